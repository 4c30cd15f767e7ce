import type pg from 'pg'
import { readOpenTransactions, readPreparedTransactions } from '../catalog/read-activity.ts'
import { readCatalog } from '../catalog/read-catalog.ts'
import { readSchemas, type ServerFacts } from '../catalog/read-server.ts'
import { readUserTables } from '../catalog/read-user-tables.ts'
import { readMonolithRecord } from '../prepare/monolith-record.ts'
import type { MonolithState } from './context.ts'
import type { Deployment } from './deployment.ts'

/** Reads what the checks need of the monolith: its catalog alone, no row of any table. */
export async function observeMonolith(
  session: pg.Client,
  server: ServerFacts,
  { set, prefix }: Deployment,
): Promise<MonolithState> {
  const entities = set.services.flatMap((service) => service.entities)
  return {
    session,
    server,
    catalog: await readCatalog(session, entities, { rows: false }),
    schemas: await readSchemas(session, [...new Set(entities.map(({ schema }) => schema))]),
    userTables: await readUserTables(session),
    record: await readMonolithRecord(session, prefix),
    openTransactions: await readOpenTransactions(session),
    preparedTransactions: await readPreparedTransactions(session),
    ...(await readStores(session)),
    ...(await readReplicationUse(session)),
  }
}

async function readReplicationUse(session: pg.Client): Promise<Pick<MonolithState, 'usedSlots' | 'usedSenders'>> {
  const { rows } = await session.query<{ slots: string; senders: string }>(
    `SELECT (SELECT count(*) FROM pg_replication_slots)::text AS slots,
            (SELECT count(*) FROM pg_stat_replication)::text AS senders`,
  )
  return { usedSlots: Number(rows[0]?.slots), usedSenders: Number(rows[0]?.senders) }
}

/** Manual: "pg_class", relpages: what the last VACUUM, ANALYZE or CREATE INDEX has seen. */
async function readStores(session: pg.Client): Promise<Pick<MonolithState, 'hasLargeObjects' | 'indexBytes'>> {
  const { rows } = await session.query<{ has_large_objects: string; index_bytes: string }>(
    `SELECT EXISTS (SELECT FROM pg_largeobject_metadata)::text AS has_large_objects,
            (SELECT coalesce(sum(i.relpages), 0) * current_setting('block_size')::bigint
               FROM pg_class i JOIN pg_index x ON x.indexrelid = i.oid JOIN pg_class t ON t.oid = x.indrelid
               JOIN pg_namespace n ON n.oid = t.relnamespace
              WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'scission', 'pg_toast'))::text AS index_bytes`,
  )
  return { hasLargeObjects: rows[0]?.has_large_objects === 'true', indexBytes: Number(rows[0]?.index_bytes) }
}
