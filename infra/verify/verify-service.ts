import type { Client } from 'pg'
import { Failure } from '../../contracts/failure.ts'
import type { Entity, Service } from '../../contracts/language/contract-set.ts'
import { type Catalog, tableOf } from '../catalog/catalog.ts'
import { readCatalog } from '../catalog/read-catalog.ts'
import { codeOf, type PostgresTarget } from '../postgres/session.ts'
import { readParked } from '../service-database/read-parked.ts'
import { compareRows, type ExpectedTable, readDigest, sameTotals, totalsOf } from './compare-rows.ts'
import type { VerifyEvent } from './events.ts'
import type { RowDifferences, ServiceReport, TableReport, Totals } from './report.ts'
import { isReadable, structureSentences } from './structure.ts'

/** One service with what it is verified against. */
export interface ServiceVerification {
  readonly service: Service
  readonly database: PostgresTarget
  /** Runs an action in a transaction that sees the service's database as it is to be. */
  readonly view: View
  readonly expected: (entity: Entity) => Promise<ExpectedTable>
  /** Of all its tables, for progress. */
  readonly expectedRows: number
  /** Rows named for each table. */
  readonly limit: number
  readonly signal: AbortSignal | undefined
  readonly report: (event: VerifyEvent) => void
}

export type View = <Result>(action: (client: Client) => Promise<Result>) => Promise<Result>

const NO_DIFFERENCES: RowDifferences = { total: 0, rows: [], note: null }

/** SQLSTATE "insufficient_privilege", also of a table under row-level security. */
const NO_PRIVILEGE = '42501'

/**
 * Compares every table of a service with what is expected of it, all at one point in time: one transaction that reads and
 * writes nothing. Manual: "Repeatable Read Isolation Level".
 */
export async function verifyService(verification: ServiceVerification): Promise<ServiceReport> {
  const { expectedRows, service, view, report } = verification
  const startedAt = Date.now()
  report({ type: 'service-begun', service: service.name, tables: service.entities.length, rows: expectedRows })
  const checked = await view(async (client) => {
    const tables = await verifyTables(client, verification)
    return { tables, postgres: await readVersion(client), parked: (await readParked(client)).parked }
  })
  const seconds = (Date.now() - startedAt) / 1000
  const verified = checked.tables.every((table) => table.verified)
  report({ type: 'service-verified', service: service.name, verified, seconds })
  return { service: service.name, verified, seconds, ...checked }
}

async function verifyTables(client: Client, verification: ServiceVerification): Promise<TableReport[]> {
  const { service, signal } = verification
  const catalog = await readCatalog(client, service.entities, { rows: false })
  const tables: TableReport[] = []
  for (const entity of service.entities) {
    signal?.throwIfAborted()
    tables.push(await verifyTable(client, verification, entity, catalog))
  }
  return tables
}

async function verifyTable(
  client: Client,
  verification: ServiceVerification,
  entity: Entity,
  catalog: Catalog,
): Promise<TableReport> {
  const { service, report } = verification
  const structure = structureSentences(service, entity, tableOf(catalog, entity), catalog.enums)
  const table = await verification.expected(entity)
  const expected = table.totals
  const found = isReadable(entity, tableOf(catalog, entity)) ? await readTotals(client, service, entity) : null
  const equal = found !== null && sameTotals(expected, found)
  report({ type: 'table-read', service: service.name, entity: entity.name, rows: found?.rows ?? 0, equal })
  const differences = equal ? NO_DIFFERENCES : await differencesOf(client, verification, entity, table, found)
  return { entity: entity.name, verified: equal && structure.length === 0, expected, found, differences, structure }
}

async function readTotals(client: Client, service: Service, entity: Entity): Promise<Totals> {
  try {
    return totalsOf(await readDigest(client, entity))
  } catch (cause) {
    if (codeOf(cause) !== NO_PRIVILEGE || !(cause instanceof Error)) throw cause
    throw new Failure(
      4,
      `Service ${service.name} cannot be verified, since its role may not read all of ${entity.name} (${cause.message}): grant it SELECT, and BYPASSRLS where row-level security is on.`,
      { cause },
    )
  }
}

async function differencesOf(
  client: Client,
  verification: ServiceVerification,
  entity: Entity,
  expected: ExpectedTable,
  found: Totals | null,
): Promise<RowDifferences> {
  if (found === null) return { total: null, rows: [], note: 'The table cannot be read; see its structure.' }
  const { database, limit, signal } = verification
  const { rows } = await client.query<{ name: string }>('SELECT pg_export_snapshot() AS name')
  const [exported] = rows
  if (exported === undefined) throw new Error('pg_export_snapshot returned no row')
  return await compareRows({ database, snapshotName: exported.name, entity, expected, limit, signal })
}

async function readVersion(client: Client): Promise<string> {
  const { rows } = await client.query<{ version: string }>("SELECT current_setting('server_version') AS version")
  return rows[0]?.version ?? ''
}
