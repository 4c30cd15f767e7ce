import { setTimeout as delay } from 'node:timers/promises'
import { Failure } from '../../contracts/failure.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import { withSession } from '../../infra/postgres/session.ts'
import { publicationName } from '../../infra/prepare/names.ts'
import { TableRewritten } from '../assert-same-table.ts'
import type { Run } from '../run.ts'
import { changedTables } from '../table-states.ts'

/** A table that was rewritten is read again; until that is noticed its changes are in the log, and do no harm. */
const LOOK_MS = 2_000

/**
 * Looks after the tables while they are followed, by a session of its own: what is done to them by DDL is in no change.
 * Returns when the signal is aborted.
 * @throws TableRewritten where a table must be read again; Failure 4 where it is not published any more.
 */
export async function watchTables({ dependencies }: Run, signal: AbortSignal): Promise<void> {
  const { monolith, prefix, set } = dependencies
  const entities = set.services.flatMap((service) => service.entities)
  await withSession(monolith, { purpose: 'publish tables', signal }, async (client) => {
    while (!signal.aborted) {
      const [changed] = await changedTables(client, prefix, entities)
      const { rows } = await client.query<{ name: string }>(
        `SELECT name FROM unnest($2::text[]) AS wanted (name)
          WHERE NOT EXISTS (SELECT FROM pg_publication_rel AS own JOIN pg_publication AS pub ON pub.oid = own.prpubid
                             WHERE pub.pubname = $1 AND own.prrelid = to_regclass(wanted.name))`,
        [publicationName(prefix), entities.map(tableSql)],
      )
      if (rows[0] !== undefined) throw unpublished(rows[0].name)
      if (changed !== undefined) throw new TableRewritten(changed)
      await delay(LOOK_MS, undefined, { signal })
    }
  }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}

function unpublished(table: string): Failure {
  return new Failure(
    4,
    `Table ${table} of the monolith is not followed any more: it was dropped, made anew, or taken out of the publication; run prepare, then publish again, which reads it anew.`,
  )
}
