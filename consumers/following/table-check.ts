import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import { tableOf } from '../../infra/catalog/catalog.ts'
import { readCatalog } from '../../infra/catalog/read-catalog.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import { contractDifferences, type DifferenceKind } from '../../infra/service-database/compare-contract.ts'
import { assertUnhindered } from './assert-unhindered.ts'
import type { Batch } from './batch.ts'

/** Where a table differs so, changes are refused or come out as other values: a narrower type rounds them unseen. */
const UNFIT: ReadonlySet<DifferenceKind> = new Set([
  'table missing',
  'not a table',
  'column missing',
  'column type',
  'column generated',
  'column extra and required',
])

/**
 * Sees that a followed service's tables are what the contract has, and that nothing of their own acts on what is changed:
 * with the first batch, and again where somebody has altered a table since.
 */
export class TableCheck {
  readonly #service: Service
  /** What each table was when all were looked at. */
  readonly #known = new Map<string, string>()
  #isLookedAt = false
  /** Those that the open transaction has changed rows of. */
  readonly #changed = new Set<string>()

  constructor(service: Service) {
    this.#service = service
  }

  /** @throws as `look`. */
  async first(client: pg.Client): Promise<void> {
    if (!this.#isLookedAt) await this.look(client)
  }

  /** Tells of what is about to be changed. */
  changing(batch: Pick<Batch, 'pieces'>): void {
    for (const table of tablesOf(batch)) this.#changed.add(table)
  }

  /**
   * Looks again where a table is not what it was. In the transaction that has changed rows of it, whose locks let nobody
   * alter it until its end, so that no row is stored in a table that nobody has looked at.
   * @throws as `look`.
   */
  async unaltered(client: pg.Client): Promise<void> {
    if (this.#changed.size === 0) return
    const definitions = await readDefinitions(client, [...this.#changed])
    if (definitions.some(([table, definition]) => this.#known.get(table) !== definition)) await this.look(client)
    this.#changed.clear()
  }

  /** @throws Failure 4 that names what does not fit, or what hinders. */
  async look(client: pg.Client): Promise<void> {
    // First, so that what is altered while the rest is looked at shows as altered.
    const definitions = await readDefinitions(client, this.#service.entities.map(tableSql))
    await assertFitting(client, this.#service)
    await assertUnhindered(client, this.#service)
    for (const [table, definition] of definitions) this.#known.set(table, definition)
    this.#isLookedAt = true
  }
}

/** Runs that came in columns are not read for it. */
function tablesOf({ pieces }: Pick<Batch, 'pieces'>): string[] {
  const entities = pieces.flatMap(({ changes, columns }) =>
    columns === undefined ? changes.map(({ place }) => place.table.entity) : [columns.table.entity],
  )
  return [...new Set(entities)].map(tableSql)
}

/**
 * Which transactions wrote what the catalog has of each table, its columns and its triggers, those of foreign keys among
 * them: it takes a tenth of a millisecond, and each batch asks it. Manual: "System Columns", xmin.
 */
async function readDefinitions(client: pg.Client, tables: readonly string[]): Promise<[table: string, is: string][]> {
  const { rows } = await client.query<{ name: string; definition: string }>({
    name: 'scission table definitions',
    text: `SELECT wanted.name, concat_ws(' ', class.oid, class.xmin,
             (SELECT string_agg(xmin::text, ' ') FROM pg_attribute WHERE attrelid = class.oid), '/',
             (SELECT string_agg(xmin::text, ' ') FROM pg_trigger WHERE tgrelid = class.oid)) AS definition
             FROM unnest($1::text[]) AS wanted (name) LEFT JOIN pg_class AS class ON class.oid = to_regclass(wanted.name)`,
    values: [tables],
  })
  return rows.map(({ definition, name }) => [name, definition])
}

async function assertFitting(client: pg.Client, service: Service): Promise<void> {
  const catalog = await readCatalog(client, service.entities, { rows: false })
  const [first] = service.entities.flatMap((entity) =>
    contractDifferences(entity, tableOf(catalog, entity), catalog.enums).filter(({ kind }) => UNFIT.has(kind)),
  )
  if (first === undefined) return
  const cure =
    first.kind === 'table missing'
      ? 'Put it back with its rows, or take the service back with cancel --with-services and prepare it again'
      : 'Put the table right, or use the contract that it is of'
  throw new Failure(
    4,
    `Service ${service.name} cannot apply changes to its tables as they are: ${first.text} ${cure}, then run consume again.`,
  )
}
