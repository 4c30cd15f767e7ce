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
import { compareRows, type ExpectedTable, readDigest, sameTotals, totalsOf } from '../../infra/verify/compare-rows.ts'
import type { RowDifferences, Totals } from '../../infra/verify/report.ts'
import { isReadable } from '../../infra/verify/structure.ts'
import { type Copy, inSnapshot, type SharedSnapshot, withSharedSnapshot } from './copy-snapshot.ts'

export interface CopyComparison {
  /** The service's live tables. */
  readonly present: Copy
  /** The same entities elsewhere, as they should be. */
  readonly rebuilt: Copy
  /** How many tables are compared at once; each takes one session on either side. */
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
      return await atMost(jobs, entities, async (entity) => {
        signal?.throwIfAborted()
        const table = await compareTable(sides, entity)
        report(table)
        return table
      })
    }),
  )
}

/** Rows and digest of each of a copy's tables, by the entities' names, all as of one moment. */
export async function digestsOf(copy: Copy, jobs: number, signal?: AbortSignal): Promise<ReadonlyMap<string, Totals>> {
  const { entities } = copy.service
  return await withSharedSnapshot(copy, signal, async (snapshot) => {
    const totals = await atMost(jobs, entities, async (entity): Promise<[string, Totals]> => {
      signal?.throwIfAborted()
      return [entity.name, await inSnapshot(snapshot, async (client) => totalsOf(await readDigest(client, entity)))]
    })
    return new Map(totals)
  })
}

async function compareTable(sides: Sides, entity: Entity): Promise<ComparedTable> {
  const own = rebuiltEntity(sides.comparison.rebuilt.service, entity)
  return await inSnapshot(sides.rebuilt, async (client) => {
    const [rebuilt, present] = await bothTotals(sides, { entity, own, client })
    const base = { entity: entity.name, rebuilt }
    if (typeof present === 'string')
      return { ...base, equal: false, present: null, differences: { total: null, rows: [], note: present } }
    if (sameTotals(rebuilt, present)) return { ...base, equal: true, present, differences: NO_DIFFERENCES }
    const expected = expectedTable(client, own, rebuilt)
    return { ...base, equal: false, present, differences: await differencesOf(sides, entity, expected) }
  })
}

function rebuiltEntity({ entities, name }: Service, { name: wanted }: Entity): Entity {
  const own = entities.find((entity) => entity.name === wanted)
  if (own === undefined) throw new Error(`The rebuilt copy of service ${name} has no ${wanted}`)
  return own
}

interface TablePair {
  readonly entity: Entity
  /** The same in the rebuilt copy, and a session that sees it. */
  readonly own: Entity
  readonly client: Client
}

/** Both sides are read at once. Of neither reading the error is lost, nor does it go on behind the other's. */
async function bothTotals(
  sides: Sides,
  { client, entity, own }: TablePair,
): Promise<[rebuilt: Totals, present: Totals | string]> {
  const [rebuilt, present] = await Promise.allSettled([
    readDigest(client, own).then(totalsOf),
    presentTotals(sides, entity),
  ])
  if (rebuilt.status === 'rejected') throw rebuilt.reason
  if (present.status === 'rejected') throw present.reason
  return [rebuilt.value, present.value]
}

/** What the live table holds, or a sentence that says why it cannot be read. */
async function presentTotals({ catalog, present }: Sides, entity: Entity): Promise<Totals | string> {
  const table = tableOf(catalog, entity)
  if (!isReadable(entity, table)) return unreadable(entity, table)
  return await inSnapshot(present, async (client) => {
    try {
      return totalsOf(await readDigest(client, entity))
    } catch (error) {
      if (codeOf(error) !== NO_PRIVILEGE || !(error instanceof Error)) throw error
      return `The role may not read all of the table ${tableSql(entity)} (${error.message}): grant it SELECT, and BYPASSRLS where row-level security is on.`
    }
  })
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
