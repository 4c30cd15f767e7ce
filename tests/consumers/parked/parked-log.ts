import type { Entity } from '../../../contracts/language/contract-set.ts'
import { encodeChange } from '../../../contracts/wire/encode-message.ts'
import type { ChangeRun, WireChange } from '../../../contracts/wire/message.ts'
import { shapeHash, shapeOf } from '../../../contracts/wire/shape.ts'
import { type ParkedPlace } from '../../../consumers/parked/with-parked.ts'
import { Customer } from '../complete-snapshot.ts'
import { entityNamed } from '../shop.ts'
import type { TestService } from '../with-service.ts'

export type Transaction = Readonly<Record<string, readonly WireChange[]>>

/** Sends a transaction's changes, by their entities' names, as one message. */
export async function send({ log }: TestService, lsn: string, changes: Transaction, isWhole = true): Promise<void> {
  const entries = Object.entries(changes)
  const runs = entries.map(([name, ofEntity], index): ChangeRun => {
    const shape = shapeHash(shapeOf(entityNamed(name)))
    const last = isWhole && index === entries.length - 1
    // The hand-written snapshots show the transactions before 10.
    return { entity: name, shape, lsn, xid: '11', committedAt: 1, last, changes: ofEntity }
  })
  const columns = (name: string): ReturnType<typeof shapeOf>['columns'] => shapeOf(entityNamed(name)).columns
  await log.send('change.~', encodeChange({ v: 1, kind: 'change', epoch: log.epoch, runs }, columns))
}

export const inserted = (ordinal: number, id: number, name: string): WireChange => [ordinal, 'I', [id, name, null]]
export const updated = (ordinal: number, id: number, name: string): WireChange => [ordinal, 'U', [id, name, null], null]

/** Where `scission parked` works. */
export function placeOf({ database, prefix, service, set }: TestService): ParkedPlace {
  return { set, prefix, service, database, signal: new AbortController().signal }
}

/** Ids and names of the customers from the eighth on. */
export async function customersOf({ sql }: TestService, entity: Entity = Customer): Promise<string[]> {
  return await sql(`SELECT id || name FROM "${entity.table}" WHERE id > 8 ORDER BY id`)
}
