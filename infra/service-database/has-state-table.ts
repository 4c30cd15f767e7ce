import type pg from 'pg'

/** Whether a service's database has a table of Scission's state: none has all before `prepare`, nor an earlier release's. */
export async function hasStateTable(client: pg.Client, table: string): Promise<boolean> {
  const { rows } = await client.query<{ found: string | null }>('SELECT to_regclass($1)::text AS found', [
    `scission.${table}`,
  ])
  return rows[0]?.found != null
}
