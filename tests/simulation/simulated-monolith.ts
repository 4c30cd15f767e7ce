import { contractSet, wireColumns } from '../../contracts/language/contract-set.ts'
import { entity, service } from '../../contracts/language/entity.ts'
import { text } from '../../contracts/language/types.ts'
import type { Lsn } from '../../contracts/positions.ts'
import { shapeHash, shapeOf } from '../../contracts/wire/shape.ts'
import type { PgoutputMessage, Tuple } from '../../publisher/following/pgoutput.ts'
import type { Route } from '../../publisher/following/routes.ts'
import type { Random } from '../hostile/random.ts'

const table = (): ReturnType<typeof entity> => entity({ id: text(), value: text() }, { key: ['id'] })

/** Two services, of which one has two tables. */
export const SET = contractSet('simulated', {
  services: { left: service({ A: table(), B: table() }), right: service({ C: table() }) },
})

/** The tables by what the WAL calls them. */
export const ROUTES: ReadonlyMap<number, Route> = new Map(
  SET.services
    .flatMap((owner) => owner.entities.map((owned) => ({ service: owner, entity: owned })))
    .map((owned, index): [number, Route] => {
      const shape = shapeHash(shapeOf(owned.entity))
      return [index + 1, { ...owned, shape, columns: wireColumns(owned.entity), places: [0, 1], fault: null }]
    }),
)

export interface SimulatedTransaction {
  /** Where its commit record begins, and where it ends; the next may begin right there. */
  readonly commitLsn: Lsn
  readonly endLsn: Lsn
  readonly messages: readonly PgoutputMessage[]
  /** What the tables hold after it. */
  readonly rows: Rows
}

/** Values by their keys, of each table. */
export type Rows = Map<string, Map<string, string>>

export interface SimulatedMonolith {
  readonly transactions: readonly SimulatedTransaction[]
  /** What the tables hold after all of them. */
  readonly rows: Rows
}

const KEYS = 6
const MOST_CHANGES = 12

/** A monolith that has committed so many transactions. */
export function simulatedMonolith(random: Random, transactions: number): SimulatedMonolith {
  const rows: Rows = new Map([...ROUTES.values()].map(({ entity: { name } }) => [name, new Map<string, string>()]))
  let position = 100n
  return {
    rows,
    transactions: Array.from({ length: transactions }, (_, index) => {
      const commitLsn = (position + BigInt(random(3))) as Lsn
      const endLsn = (commitLsn + 10n) as Lsn
      position = endLsn
      const changes = Array.from({ length: random(MOST_CHANGES) }, () => changeOf(rows, random)).flat()
      const after = new Map([...rows].map(([name, own]) => [name, new Map(own)]))
      const begin = { type: 'begin', commitLsn, committedAt: index, xid: 100 + index } as const
      return { commitLsn, endLsn, messages: [begin, ...changes, { type: 'commit', commitLsn, endLsn }], rows: after }
    }),
  }
}

/** A change that the rows allow, and made to them. */
function changeOf(rows: Rows, random: Random): PgoutputMessage[] {
  const oid = 1 + random(ROUTES.size)
  const own = rows.get(ROUTES.get(oid)?.entity.name ?? '') ?? new Map<string, string>()
  const [id, other, value] = [`k${random(KEYS)}`, `k${random(KEYS)}`, `v${random(1_000)}`]
  if (random(40) === 0) {
    own.clear()
    return [{ type: 'truncate', oids: [oid], cascade: false, restartIdentity: false }]
  }
  if (!own.has(id)) {
    own.set(id, value)
    return [{ type: 'insert', oid, row: tuple(id, value) }]
  }
  if (random(3) === 0) {
    own.delete(id)
    return [{ type: 'delete', oid, old: { ...tuple(id, null), isKey: true } }]
  }
  const isMoved = random(3) === 0 && !own.has(other)
  own.delete(id)
  own.set(isMoved ? other : id, value)
  const old = isMoved ? { ...tuple(id, null), isKey: true } : null
  return [{ type: 'update', oid, row: tuple(isMoved ? other : id, value), old }]
}

/** As the WAL has it. Manual: "Logical Replication Message Formats", TupleData. */
function tuple(...values: readonly (string | null)[]): Tuple {
  const parts = values.map((value) => {
    if (value === null) return Buffer.from('n')
    const length = Buffer.alloc(4)
    length.writeUInt32BE(Buffer.byteLength(value))
    return Buffer.concat([Buffer.from('t'), length, Buffer.from(value)])
  })
  return { bytes: Buffer.concat([Buffer.from([0, values.length]), ...parts]), at: 0 }
}
