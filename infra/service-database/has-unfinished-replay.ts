import type pg from 'pg'

/** Whether a replay was begun in this database and not ended, as an expression: it has a state of its own until then. */
export const UNFINISHED_REPLAY_SQL = `to_regclass('scission_replay.replay') IS NOT NULL`

/** Whether a replay was begun in this database and neither ended nor discarded. It may be running. */
export async function hasUnfinishedReplay(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ unfinished: string }>(`SELECT ${UNFINISHED_REPLAY_SQL} AS unfinished`)
  return rows[0]?.unfinished === 't'
}
