import pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import type { ReplaySchemas } from './shadow-schema.ts'

const DEPENDENT_OBJECTS_STILL_EXIST = '2BP01'

/** Removes the tables that a swap replaced, with their schemas. What is gone already is passed over. */
export async function dropReplaced(client: pg.Client, schemas: readonly ReplaySchemas[]): Promise<void> {
  await dropSchemas(
    client,
    schemas.map(({ replaced }) => replaced),
  )
}

/** Removes the shadow tables with their schemas, also when only some are left. */
export async function dropShadow(client: pg.Client, schemas: readonly ReplaySchemas[]): Promise<void> {
  await dropSchemas(
    client,
    schemas.map(({ shadow }) => shadow),
  )
}

/**
 * All tables go in one statement, which lets foreign keys among them go too. Nothing cascades.
 * @throws Failure 4 that names what else rests on a table, or lies in such a schema.
 */
async function dropSchemas(client: pg.Client, schemas: readonly string[]): Promise<void> {
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `SELECT format('%I.%I', nspname, relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE nspname = ANY ($1) AND relkind = 'r' ORDER BY 1`,
      [schemas],
    )
    if (tables.length > 0) await client.query(`DROP TABLE ${tables.map(({ name }) => name).join(', ')}`)
    for (const schema of schemas) await client.query(`DROP SCHEMA IF EXISTS ${quoteIdentifier(schema)}`)
  } catch (cause) {
    if (!(cause instanceof pg.DatabaseError) || cause.code !== DEPENDENT_OBJECTS_STILL_EXIST) throw cause
    const [first = cause.message] = (cause.detail ?? cause.message).split('\n')
    throw new Failure(4, `Schema ${schemas.join(' or ')} cannot be removed (${first}): drop that, then run it again.`, {
      cause,
    })
  }
}
