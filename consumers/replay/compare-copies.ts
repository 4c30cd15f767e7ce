import { pipeline } from 'node:stream/promises'
import { PassThrough } from 'node:stream'
import type { Client } from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { Failure } from '../../contracts/failure.ts'
import { type Entity, type Service, wireColumns } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { type Catalog, type CatalogTable, tableOf } from '../../infra/catalog/catalog.ts'
import { readCatalog } from '../../infra/catalog/read-catalog.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import { codeOf } from '../../infra/postgres/session.ts'
import { atMost } from '../../infra/verify/at-most.ts'
import { compareRows, type ExpectedTable, sameTotals } from '../../infra/verify/compare-rows.ts'
import type { RowDifferences, Totals } from '../../infra/verify/report.ts'
import { isReadable } from '../../infra/verify/structure.ts'
import { copyTotals } from './copy-totals.ts'
import { type Copy, inSnapshot, type SharedSnapshot, withSharedSnapshot } from './copy-snapshot.ts'

export interface CopyComparison {
  /** The service's live tables. */
  readonly present: Copy
  /** The same entities elsewhere, as they should be. */
  readonly rebuilt: Copy
  /** Rows and digests of the rebuilt copy, where they are known already; it is then read only to name rows. */
  readonly known?: ReadonlyMap<string, Totals>
  /** How many sessions read at the same time on either side. */
  readonly jobs: number
  /** Rows named for each table. */
  readonly limit: number
  readonly signal?: AbortSignal
  /** Is told of each table, in the order in which they are done. */
  readonly report?: (table: ComparedTable) => void
}

/** What the comparison of one table came to. In the differences the rebuilt copy is what is expected. */
export interface ComparedTable {
  readonly entity: string
  readonly equal: boolean
  readonly rebuilt: Totals
  /** Null where the live table is missing or cannot be read; the differences' note then says why. */
  readonly present: Totals | null
  readonly differences: RowDifferences
}

/** Both sides, each as of one moment. */
interface Sides {
  readonly comparison: CopyComparison
  readonly present: SharedSnapshot
  readonly rebuilt: SharedSnapshot
  readonly catalog: Catalog
}

const NO_DIFFERENCES: RowDifferences = { total: 0, rows: [], note: null }

/** SQLSTATE "insufficient_privilege", also of a table under row-level security. */
const NO_PRIVILEGE = '42501'

/** Manual: "PostgreSQL Error Codes", class 42: among them types and functions that a database does not have. */
const NOT_AS_THE_CONTRACT = /^42/

/**
 * Compares two copies of a service's tables, each in one snapshot of its own that reads and writes nothing: first by
 * counts and digests, and where these differ, row by row in temporary tables beside the live ones.
 * Manual: "Snapshot Synchronization Functions".
 * @returns a result for each entity, in the contract's order.
 */
export async function compareCopies(comparison: CopyComparison): Promise<ComparedTable[]> {
  const { jobs, report = () => undefined, signal } = comparison
  const { entities } = comparison.present.service
  return await withSharedSnapshot(comparison.rebuilt, signal, async (rebuilt) =>
    withSharedSnapshot(comparison.present, signal, async (present) => {
      const catalog = await readCatalog(present.client, entities, { rows: false })
      const sides = { comparison, present, rebuilt, catalog }
      const totals = await totalsOfSides(sides)
      return await atMost(jobs, entities, async (entity) => {
        signal?.throwIfAborted()
        const table = await compareTable(sides, entity, totals)
        report(table)
        return table
      })
    }),
  )
}

/** Rows and digest of each of a copy's tables, by the entities' names, all as of one moment. */
export async function digestsOf(copy: Copy, jobs: number, signal?: AbortSignal): Promise<ReadonlyMap<string, Totals>> {
  return await withSharedSnapshot(
    copy,
    signal,
    async (snapshot) => await copyTotals<never>(snapshot, copy.service.entities, jobs),
  )
}

/** What each side holds, by the entities' names; of a live table that cannot be read a sentence that says why. */
interface SideTotals {
  readonly rebuilt: ReadonlyMap<string, Totals>
  readonly present: ReadonlyMap<string, Totals | string>
}

/** Both sides are read at once. Where one fails the other is broken off, and the first error is the one that is told. */
async function totalsOfSides(sides: Sides): Promise<SideTotals> {
  const { comparison, rebuilt } = sides
  const { jobs, known, signal } = comparison
  const broken = new AbortController()
  const reading = signal === undefined ? broken.signal : AbortSignal.any([signal, broken.signal])
  const side = async <Side>(read: () => Promise<Side>): Promise<Side> => {
    try {
      return await read()
    } catch (error) {
      broken.abort(error)
      throw error
    }
  }
  const [rebuiltSide, presentSide] = await Promise.allSettled([
    side(
      async () =>
        known ?? (await copyTotals<never>({ ...rebuilt, signal: reading }, comparison.rebuilt.service.entities, jobs)),
    ),
    side(async () => await presentTotals(sides, reading)),
  ])
  if (rebuiltSide.status === 'rejected' || presentSide.status === 'rejected') throw broken.signal.reason
  return { rebuilt: rebuiltSide.value, present: presentSide.value }
}

async function compareTable(sides: Sides, entity: Entity, totals: SideTotals): Promise<ComparedTable> {
  const own = rebuiltEntity(sides.comparison.rebuilt.service, entity)
  const [rebuilt, present] = [totals.rebuilt.get(entity.name), totals.present.get(entity.name)]
  if (rebuilt === undefined || present === undefined) throw new Error(`${entity.name} was not read on both sides`)
  const base = { entity: entity.name, rebuilt }
  if (typeof present === 'string')
    return { ...base, equal: false, present: null, differences: { total: null, rows: [], note: present } }
  if (sameTotals(rebuilt, present)) return { ...base, equal: true, present, differences: NO_DIFFERENCES }
  return await inSnapshot(sides.rebuilt, async (client) => {
    const expected = expectedTable(client, own, rebuilt)
    return { ...base, equal: false, present, differences: await differencesOf(sides, entity, expected) }
  })
}

function rebuiltEntity({ entities, name }: Service, { name: wanted }: Entity): Entity {
  const own = entities.find((entity) => entity.name === wanted)
  if (own === undefined) throw new Error(`The rebuilt copy of service ${name} has no ${wanted}`)
  return own
}

/** What the live tables hold, or a sentence that says why one cannot be read. */
async function presentTotals(
  { catalog, comparison, present }: Sides,
  signal: AbortSignal,
): Promise<Map<string, Totals | string>> {
  const { entities } = comparison.present.service
  const isUnreadable = (entity: Entity): boolean => !isReadable(entity, tableOf(catalog, entity))
  const readable = entities.filter((entity) => !isUnreadable(entity))
  const totals = await copyTotals({ ...present, signal }, readable, comparison.jobs, refusal)
  const unread = entities.filter(isUnreadable)
  return new Map([
    ...totals,
    ...unread.map((entity): [string, string] => [entity.name, unreadable(entity, tableOf(catalog, entity))]),
  ])
}

/** What is said of a table that the role may not read. @throws whatever else was wrong. */
function refusal(entity: Entity, error: unknown): string {
  if (codeOf(error) !== NO_PRIVILEGE || !(error instanceof Error)) throw error
  return `The role may not read all of the table ${tableSql(entity)} (${error.message}): grant it SELECT, and BYPASSRLS where row-level security is on.`
}

function unreadable(entity: Entity, table: CatalogTable | undefined): string {
  if (table === undefined) return `The table ${tableSql(entity)} is missing.`
  if (table.kind !== 'r') return `${tableSql(entity)} is not an ordinary table.`
  const present = new Set(table.columns.map(({ name }) => name))
  const lacking = entity.columns.filter(({ name }) => !present.has(name)).map(({ name }) => name)
  return `The table ${tableSql(entity)} lacks ${lacking.join(', ')}.`
}

async function differencesOf(sides: Sides, entity: Entity, expected: ExpectedTable): Promise<RowDifferences> {
  const { limit, signal } = sides.comparison
  const { copy, name } = sides.present
  try {
    return await compareRows({ database: copy.target, snapshotName: name, entity, expected, limit, signal })
  } catch (error) {
    // A live table whose types are others than the contract's differs, which is what was asked.
    if (!(error instanceof Failure) || !NOT_AS_THE_CONTRACT.test(codeOf(error.cause))) throw error
    return { total: null, rows: [], note: `The rows cannot be named: ${error.message}` }
  }
}

function expectedTable(client: Client, own: Entity, totals: Totals): ExpectedTable {
  return {
    totals,
    copyText: () => copyTextOf(client, own),
    noteOf: (copied) =>
      sameTotals(totals, copied)
        ? null
        : `The rebuilt rows of ${own.name} did not come to the comparison as they are, so that the rows named here are not all that differ.`,
  }
}

async function* copyTextOf(client: Client, entity: Entity): AsyncGenerator<Uint8Array> {
  const columns = wireColumns(entity).map(({ name }) => quoteIdentifier(name))
  const rows = client.query(copyTo(`COPY (SELECT ${columns.join(', ')} FROM ONLY ${tableSql(entity)}) TO STDOUT`))
  const through = new PassThrough()
  const done = pipeline(rows, through)
  done.catch(() => undefined)
  yield* through as AsyncIterable<Buffer>
  await done
}
