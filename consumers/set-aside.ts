import type pg from 'pg'
import type { Service } from '../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../contracts/language/quoting.ts'
import { tableSql } from '../infra/postgres/digest-sql.ts'

/** An index or constraint that is dropped for the loading, with the statements that put it back exactly as it was. */
export interface SetAside {
  readonly entity: string
  readonly kind: 'index' | 'constraint' | 'foreign key'
  readonly name: string
  readonly drop: string
  readonly restore: readonly string[]
}

/**
 * Drops what slows the loading of a service's tables, and records how to put it back, in the caller's transaction:
 * foreign keys first, then constraints that rest on an index, then indexes. What an object outside the contract rests
 * on stays in place, and so does what PostgreSQL calls invalid, which no statement would bring back as it is.
 */
export async function setAsideForLoading(client: pg.Client, service: Service): Promise<readonly SetAside[]> {
  const found = [...(await readForeignKeys(client, service)), ...(await readIndexes(client, service))]
  for (const object of found) {
    await client.query(
      `INSERT INTO scission.set_aside (entity, kind, name, restore) VALUES ($1, $2, $3, $4)
       ON CONFLICT (entity, kind, name) DO UPDATE SET restore = excluded.restore`,
      [object.entity, object.kind, object.name, object.restore],
    )
    await client.query(object.drop)
  }
  return found
}

function entityOf(service: Service, table: string): string {
  return service.entities.find((entity) => tableSql(entity) === table)?.name ?? table
}

async function readForeignKeys(client: pg.Client, service: Service): Promise<SetAside[]> {
  const { rows } = await client.query<{ table: string; name: string; definition: string; comment: string | null }>(
    `SELECT wanted.name AS table, con.conname AS name, pg_get_constraintdef(con.oid) AS definition,
            quote_literal(obj_description(con.oid, 'pg_constraint')) AS comment
       FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place)
       JOIN pg_constraint AS con ON con.conrelid = wanted.name::regclass AND con.contype = 'f'
      ORDER BY wanted.place, con.conname`,
    [service.entities.map(tableSql)],
  )
  return rows.map(({ table, name, definition, comment }) => {
    const add = `ALTER TABLE ${table} ADD CONSTRAINT ${quoteIdentifier(name)} ${definition}`
    const drop = `ALTER TABLE ${table} DROP CONSTRAINT ${quoteIdentifier(name)}`
    const restore = [add, ...commentOn('CONSTRAINT', `${quoteIdentifier(name)} ON ${table}`, comment)]
    return { entity: entityOf(service, table), kind: 'foreign key', name, drop, restore }
  })
}

interface IndexRow {
  readonly table: string
  readonly name: string
  readonly index: string
  readonly definition: string
  readonly tablespace: string | null
  readonly clustered: string
  readonly identity: string
  readonly comment: string | null
  readonly constraint_name: string | null
  readonly constraint_type: string | null
  readonly constraint_definition: string | null
  readonly constraint_comment: string | null
  readonly deferrable: string | null
  readonly deferred: string | null
}

/** Indexes that nothing outside the contract's own tables rests on: no foreign key of another table, no view. */
async function readIndexes(client: pg.Client, service: Service): Promise<SetAside[]> {
  const { rows } = await client.query<IndexRow>(
    `SELECT wanted.name AS table, class.relname AS name, format('%I.%I', space.nspname, class.relname) AS index,
            pg_get_indexdef(class.oid) AS definition, tablespace.spcname AS tablespace,
            ind.indisclustered AS clustered, ind.indisreplident AS identity,
            quote_literal(obj_description(class.oid, 'pg_class')) AS comment,
            con.conname AS constraint_name, con.contype AS constraint_type, pg_get_constraintdef(con.oid) AS constraint_definition,
            quote_literal(obj_description(con.oid, 'pg_constraint')) AS constraint_comment,
            con.condeferrable AS deferrable, con.condeferred AS deferred
       FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place)
       JOIN pg_index AS ind ON ind.indrelid = wanted.name::regclass AND ind.indisvalid AND ind.indisready
       JOIN pg_class AS class ON class.oid = ind.indexrelid
       JOIN pg_namespace AS space ON space.oid = class.relnamespace
       LEFT JOIN pg_tablespace AS tablespace ON tablespace.oid = class.reltablespace
       LEFT JOIN pg_constraint AS con ON con.conindid = class.oid AND con.conrelid = ind.indrelid AND con.contype IN ('p', 'u', 'x')
      WHERE NOT EXISTS (SELECT 1 FROM pg_constraint AS foreign_key
                         WHERE foreign_key.contype = 'f' AND foreign_key.conindid = class.oid
                           AND foreign_key.conrelid <> ALL (SELECT name::regclass::oid FROM unnest($1::text[]) AS own (name)))
        AND NOT EXISTS (SELECT 1 FROM pg_depend AS dependent
                         WHERE dependent.refclassid = 'pg_constraint'::regclass AND dependent.refobjid = con.oid
                           AND dependent.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass))
      ORDER BY wanted.place, class.relname`,
    [service.entities.map(tableSql)],
  )
  return rows.map((row) => ({ entity: entityOf(service, row.table), ...indexSetAside(row) }))
}

function indexSetAside(row: IndexRow): Omit<SetAside, 'entity'> {
  const afterwards = [
    ...(row.tablespace === null ? [] : [`ALTER INDEX ${row.index} SET TABLESPACE ${quoteIdentifier(row.tablespace)}`]),
    ...(row.clustered === 't' ? [`ALTER TABLE ${row.table} CLUSTER ON ${quoteIdentifier(row.name)}`] : []),
    ...(row.identity === 't'
      ? [`ALTER TABLE ${row.table} REPLICA IDENTITY USING INDEX ${quoteIdentifier(row.name)}`]
      : []),
    ...commentOn('INDEX', row.index, row.comment),
  ]
  if (row.constraint_name === null)
    return { kind: 'index', name: row.name, drop: `DROP INDEX ${row.index}`, restore: [row.definition, ...afterwards] }
  const constraint = quoteIdentifier(row.constraint_name)
  const drop = `ALTER TABLE ${row.table} DROP CONSTRAINT ${constraint}`
  const comment = commentOn('CONSTRAINT', `${constraint} ON ${row.table}`, row.constraint_comment)
  return {
    kind: 'constraint',
    name: row.constraint_name,
    drop,
    restore: [...constraintRestore(row, constraint), ...afterwards, ...comment],
  }
}

/** The index is built from its own definition, which has its storage options, and is then made the constraint's. */
function constraintRestore(row: IndexRow, constraint: string): string[] {
  if (row.constraint_type === 'x')
    return [`ALTER TABLE ${row.table} ADD CONSTRAINT ${constraint} ${row.constraint_definition}`]
  const kind = row.constraint_type === 'p' ? 'PRIMARY KEY' : 'UNIQUE'
  const deferral =
    row.deferrable === 't' ? ` DEFERRABLE INITIALLY ${row.deferred === 't' ? 'DEFERRED' : 'IMMEDIATE'}` : ''
  return [
    row.definition,
    `ALTER TABLE ${row.table} ADD CONSTRAINT ${constraint} ${kind} USING INDEX ${quoteIdentifier(row.name)}${deferral}`,
  ]
}

function commentOn(what: 'INDEX' | 'CONSTRAINT', name: string, quotedComment: string | null): string[] {
  return quotedComment === null ? [] : [`COMMENT ON ${what} ${name} IS ${quotedComment}`]
}

/** What is set aside and not yet back, in the order in which it was dropped. */
export async function readSetAside(client: pg.Client): Promise<
  readonly {
    readonly ordinal: string
    readonly entity: string
    readonly kind: SetAside['kind']
    readonly name: string
  }[]
> {
  const { rows } = await client.query<{ ordinal: string; entity: string; kind: SetAside['kind']; name: string }>(
    'SELECT ordinal::text, entity, kind, name FROM scission.set_aside ORDER BY ordinal',
  )
  return rows
}

/** Puts one object back and forgets it, in one transaction, so that a crash repeats at most one unfinished object. */
export async function putBack(client: pg.Client, ordinal: string): Promise<void> {
  const { rows } = await client.query<{ statement: string }>(
    'SELECT unnest(restore) AS statement FROM scission.set_aside WHERE ordinal = $1',
    [ordinal],
  )
  for (const { statement } of rows) await client.query(statement)
  await client.query('DELETE FROM scission.set_aside WHERE ordinal = $1', [ordinal])
}
