import type pg from 'pg'
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
