import { quoteIdentifier, quoteLiteral } from '../../contracts/language/quoting.ts'
import { type Catalog, type CatalogTable, type TableName, tableOf } from '../catalog/catalog.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import { endKeeperSql } from '../postgres/keeper-sessions.ts'
import { MONOLITH } from '../preflight/finding.ts'
import type { MonolithRecord, RecordedIdentity } from '../prepare/monolith-record.ts'
import { publicationName, slotName } from '../prepare/names.ts'
import { identityClause, identityServes, lockSql } from '../prepare/replica-identity.ts'
import type { PlannedCancelStep } from './step.ts'

/** A step in the monolith: one transaction, with the tables that it locks. */
export type MonolithCancelStep = PlannedCancelStep & { readonly locks: readonly TableName[] }

export interface MonolithRemains {
  readonly database: string
  readonly record: MonolithRecord
  /** The catalog of the tables whose identity is on record. */
  readonly catalog: Catalog
  /** Tables whose updates or deletes another publication carries, and its name. */
  readonly publishedElsewhere: readonly (TableName & { readonly publication: string })[]
  /** The server's processes that hold a snapshot for publishers of the prefix. */
  readonly keepers: readonly string[]
  /** Tables of schema `scission` that keep something for each prefix. */
  readonly prefixTables: readonly string[]
}

/**
 * What is to be undone in the monolith, in the reverse order of `prepare`: a keeper and the slot, which hold its old rows
 * and its WAL, before all;
 * the publication before the identities, since a published table without one refuses updates; the record last.
 */
export function planMonolithCancel(prefix: string, remains: MonolithRemains): MonolithCancelStep[] {
  const others = remains.record.preparations.map((other) => other.prefix).filter((other) => other !== prefix)
  const identities = remains.record.identities.map((identity) => planIdentity(identity, remains, others))
  const kept = identities.some((step) => step.state === 'left')
  return [
    ...remains.keepers.map(planKeeper),
    planSlot(prefix, remains),
    planPublication(prefix, remains),
    ...identities,
    planRecord(prefix, remains, kept || others.length > 0),
  ]
}

/** A keeper holds back VACUUM in the whole database, and nobody will ask it for its snapshot any more. */
function planKeeper(pid: string): MonolithCancelStep {
  const action = `end the keeper of the snapshot (PostgreSQL process ${pid})`
  return { subject: MONOLITH, action, locks: [], statements: [endKeeperSql(pid)], state: 'needed' }
}

function planSlot(prefix: string, { record: { slot }, database }: MonolithRemains): MonolithCancelStep {
  const name = slotName(prefix)
  const step = { subject: MONOLITH, action: `drop slot ${name}`, locks: [] }
  if (slot === null) return { ...step, statements: [], state: 'absent' }
  if (slot.database !== database)
    return { ...step, statements: [], state: 'left', reason: `it is one of database ${slot.database ?? '(physical)'}` }
  return { ...step, statements: [`SELECT pg_drop_replication_slot(${quoteLiteral(name)})`], state: 'needed' }
}

function planPublication(prefix: string, { record: { publication } }: MonolithRemains): MonolithCancelStep {
  const name = publicationName(prefix)
  const step = { subject: MONOLITH, action: `drop publication ${name}`, locks: publication?.tables ?? [] }
  if (publication === null) return { ...step, statements: [], state: 'absent' }
  return { ...step, statements: [`DROP PUBLICATION ${quoteIdentifier(name)}`], state: 'needed' }
}

function planIdentity(
  identity: RecordedIdentity,
  remains: MonolithRemains,
  others: readonly string[],
): MonolithCancelStep {
  const { schema, table: name, former, formerIndex } = identity
  const table = tableOf(remains.catalog, identity)
  const clause = identityClause(former, formerIndex)
  const step = {
    subject: MONOLITH,
    action: `give table ${tableSql(identity)} back ${clause}`,
    locks: [{ schema, table: name }],
  }
  if (table === undefined)
    return {
      ...step,
      statements: [forgetSql(identity)],
      state: 'needed',
      action: `forget table ${tableSql(identity)}, which is gone`,
    }
  const reason = reasonToLeave(identity, table, remains, others)
  if (reason !== null) return { ...step, statements: [], state: 'left', reason }
  const isOurs = table.replicaIdentity === identity.given
  const restore =
    isOurs && !isGoneIndex(identity, table) ? [lockSql(table), `ALTER TABLE ONLY ${tableSql(table)} ${clause}`] : []
  if (restore.length > 0) return { ...step, statements: [...restore, forgetSql(identity)], state: 'needed' }
  const why = isOurs ? `its index ${formerIndex ?? ''} is gone` : 'somebody changed it since'
  return {
    ...step,
    statements: [forgetSql(identity)],
    state: 'needed',
    action: `keep the replica identity of table ${tableSql(table)}: ${why}`,
  }
}

/** Why an identity of ours must stay for now: somebody's updates would fail, or could not be told apart, without it. */
function reasonToLeave(
  identity: RecordedIdentity,
  table: CatalogTable,
  { publishedElsewhere }: MonolithRemains,
  others: readonly string[],
): string | null {
  if (others.length > 0) return `it was prepared for ${others.join(', ')} too; the last cancel gives it back`
  if (identityServes(table, identity.former, identity.formerIndex)) return null
  const elsewhere = publishedElsewhere.find((other) => tableSql(other) === tableSql(identity))
  if (elsewhere === undefined) return null
  return `publication ${elsewhere.publication} publishes the table, whose updates would fail; drop that and cancel again`
}

/** No statement brings back an identity by an index that was dropped, or replaced, in the meantime. */
function isGoneIndex({ former, formerIndex }: RecordedIdentity, table: CatalogTable): boolean {
  return former === 'i' && !table.indexes.some(({ name }) => name === formerIndex)
}

function forgetSql({ schema, table }: TableName): string {
  return `DELETE FROM scission.replica_identity WHERE schema_name = ${quoteLiteral(schema)} AND table_name = ${quoteLiteral(table)}`
}

function planRecord(prefix: string, { record, prefixTables }: MonolithRemains, kept: boolean): MonolithCancelStep {
  const step = { subject: MONOLITH, action: `forget the preparation of ${prefix}`, locks: [] }
  if (!record.schemaExists) return { ...step, statements: [], state: 'absent' }
  if (!kept) return { ...step, statements: ['DROP SCHEMA scission CASCADE'], state: 'needed' }
  const statements = prefixTables.map(
    (table) => `DELETE FROM scission.${quoteIdentifier(table)} WHERE prefix = ${quoteLiteral(prefix)}`,
  )
  return { ...step, statements, state: 'needed' }
}
