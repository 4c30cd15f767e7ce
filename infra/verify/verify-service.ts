import type { NatsConnection } from 'nats'
import type { Client } from 'pg'
import { Failure } from '../../contracts/failure.ts'
import type { Entity, Service } from '../../contracts/language/contract-set.ts'
import type { EntityTotals } from '../../contracts/wire/message.ts'
import { type Catalog, tableOf } from '../catalog/catalog.ts'
import { readCatalog } from '../catalog/read-catalog.ts'
import { codeOf, inTransaction, type PostgresTarget } from '../postgres/session.ts'
import { checkLoaded } from './check-loaded.ts'
import { compareRows, readDigest, sameTotals, totalsOf } from './compare-rows.ts'
import type { VerifyEvent } from './events.ts'
import type { ClosedSnapshot } from './read-manifest.ts'
import type { RowDifferences, ServiceReport, TableReport, Totals } from './report.ts'
import { withStoppableSession } from './stoppable-session.ts'
import { isReadable, structureSentences } from './structure.ts'

/** One service with what it is verified against. */
export interface ServiceVerification {
  readonly contractSet: string
  readonly prefix: string
  readonly service: Service
  readonly database: PostgresTarget
  readonly snapshot: ClosedSnapshot
  readonly connection: NatsConnection
  /** Rows named for each table. */
  readonly limit: number
  readonly signal: AbortSignal | undefined
  readonly report: (event: VerifyEvent) => void
}

const NO_DIFFERENCES: RowDifferences = { total: 0, rows: [], note: null }

/** SQLSTATE "insufficient_privilege", also of a table under row-level security. */
const NO_PRIVILEGE = '42501'

/**
 * Compares every table of a service with the manifest, all at one point in time: one transaction that reads and writes
 * nothing. Manual: "Repeatable Read Isolation Level".
 */
export async function verifyService(verification: ServiceVerification): Promise<ServiceReport> {
  const { service, database, snapshot, signal, report } = verification
  const startedAt = Date.now()
  const rows = snapshot.manifest.entities.reduce((sum, totals) => sum + totals.rows, 0)
  report({ type: 'service-begun', service: service.name, tables: service.entities.length, rows })
  const checked = await withStoppableSession(
    database,
    `verify ${service.name}`,
    signal,
    async (client) =>
      await inTransaction(client, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', async () => {
        await checkLoaded(client, { ...verification, service: service.name })
        return { tables: await verifyTables(client, verification), postgres: await readVersion(client) }
      }),
  )
  const seconds = (Date.now() - startedAt) / 1000
  const verified = checked.tables.every((table) => table.verified)
  report({ type: 'service-verified', service: service.name, verified, seconds })
  return { service: service.name, verified, seconds, ...checked }
}

async function verifyTables(client: Client, verification: ServiceVerification): Promise<TableReport[]> {
  const { service, snapshot, signal } = verification
  const catalog = await readCatalog(client, service.entities, { rows: false })
  const tables: TableReport[] = []
  for (const entity of service.entities) {
    signal?.throwIfAborted()
    const totals = snapshot.manifest.entities.find((candidate) => candidate.entity === entity.name)
    if (totals === undefined) throw new Error(`The manifest without ${entity.name} was let pass`)
    tables.push(await verifyTable(client, verification, entity, totals, catalog))
  }
  return tables
}

async function verifyTable(
  client: Client,
  verification: ServiceVerification,
  entity: Entity,
  totals: EntityTotals,
  catalog: Catalog,
): Promise<TableReport> {
  const { service, report } = verification
  const structure = structureSentences(service, entity, tableOf(catalog, entity), catalog.enums)
  const expected: Totals = { rows: totals.rows, digest: totals.digest }
  const found = isReadable(entity, tableOf(catalog, entity)) ? await readTotals(client, service, entity) : null
  const equal = found !== null && sameTotals(expected, found)
  report({ type: 'table-read', service: service.name, entity: entity.name, rows: found?.rows ?? 0, equal })
  const differences = equal ? NO_DIFFERENCES : await differencesOf(client, verification, entity, totals, found)
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
  totals: EntityTotals,
  found: Totals | null,
): Promise<RowDifferences> {
  if (found === null) return { total: null, rows: [], note: 'The table cannot be read; see its structure.' }
  const { connection, prefix, service, database, snapshot, limit, signal, report } = verification
  const pageRead = (pages: number): void =>
    report({ type: 'log-rows-read', service: service.name, entity: entity.name, pages, ofPages: totals.pages })
  const { rows } = await client.query<{ name: string }>('SELECT pg_export_snapshot() AS name')
  const [exported] = rows
  if (exported === undefined) throw new Error('pg_export_snapshot returned no row')
  const log = { connection, prefix, service: service.name, entity, snapshot, totals, signal, pageRead }
  return await compareRows({ database, snapshotName: exported.name, log, limit })
}

async function readVersion(client: Client): Promise<string> {
  const { rows } = await client.query<{ version: string }>("SELECT current_setting('server_version') AS version")
  return rows[0]?.version ?? ''
}
