import type pg from 'pg'
import { z } from 'zod'
import { quoteIdentifier, quoteLiteral } from '../contracts/language/quoting.ts'
import { jsonRows } from '../infra/catalog/json-rows.ts'

/** A foreign key, or an index with or without a constraint, that may be dropped, and how to put it back as it was. */
export interface DroppableObject {
  /** `schema.table`, quoted. */
  readonly table: string
  readonly kind: 'index' | 'constraint' | 'foreign key'
  readonly name: string
  readonly drop: string
  readonly restore: readonly string[]
}

/**
 * What slows the loading of these tables, in the order in which it can be dropped: foreign keys, then indexes, with the
 * constraints that rest on them. Left out, and thus left in place, is what something else than these foreign keys rests
 * on (a foreign key of another table, a view that groups by the key), and what no statement would bring back as it is:
 * invalid indexes, foreign keys whose triggers were disabled, and parts of an extension or of a partitioned index.
 * @param tables `schema.table`, quoted.
 */
export async function readDroppableObjects(client: pg.Client, tables: readonly string[]): Promise<DroppableObject[]> {
  const foreignKeys = await readForeignKeys(client, tables)
  const oids = foreignKeys.map(({ oid }) => oid)
  return [...foreignKeys.map(foreignKeyObject), ...(await readIndexes(client, tables, oids)).map(indexObject)]
}

const FOREIGN_KEY = z.object({
  oid: z.string(),
  table: z.string(),
  name: z.string(),
  definition: z.string(),
  comment: z.string().nullable(),
})

async function readForeignKeys(client: pg.Client, tables: readonly string[]): Promise<z.infer<typeof FOREIGN_KEY>[]> {
  return await jsonRows(
    client,
    FOREIGN_KEY,
    `SELECT json_build_object('oid', con.oid::text, 'table', wanted.name, 'name', con.conname,
                              'definition', pg_get_constraintdef(con.oid),
                              'comment', obj_description(con.oid, 'pg_constraint')) AS row
       FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place)
       JOIN pg_constraint AS con ON con.conrelid = wanted.name::regclass AND con.contype = 'f' AND con.conparentid = 0
      WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgconstraint = con.oid AND tgenabled <> 'O')
      ORDER BY wanted.place, con.conname`,
    [tables],
  )
}

function foreignKeyObject({ table, name, definition, comment }: z.infer<typeof FOREIGN_KEY>): DroppableObject {
  const quoted = quoteIdentifier(name)
  return {
    table,
    kind: 'foreign key',
    name,
    drop: `ALTER TABLE ${table} DROP CONSTRAINT ${quoted}`,
    restore: [
      `ALTER TABLE ${table} ADD CONSTRAINT ${quoted} ${definition}`,
      ...commentOn(`CONSTRAINT ${quoted} ON ${table}`, comment),
    ],
  }
}

const INDEX = z.object({
  table: z.string(),
  name: z.string(),
  /** `schema.index`, quoted. */
  index: z.string(),
  definition: z.string(),
  method: z.string(),
  tablespace: z.string().nullable(),
  clustered: z.boolean(),
  identity: z.boolean(),
  comment: z.string().nullable(),
  /** Of the index's expressions, by their places, where they are not the default. */
  statistics: z.array(z.object({ column: z.number(), target: z.number() })),
  constraint: z
    .object({
      name: z.string(),
      type: z.enum(['p', 'u', 'x']),
      definition: z.string(),
      comment: z.string().nullable(),
      deferrable: z.boolean(),
      deferred: z.boolean(),
    })
    .nullable(),
})

type Index = z.infer<typeof INDEX>

/** @param foreignKeys oids of those that are dropped before the indexes. */
async function readIndexes(
  client: pg.Client,
  tables: readonly string[],
  foreignKeys: readonly string[],
): Promise<Index[]> {
  return await jsonRows(
    client,
    INDEX,
    `SELECT json_build_object(
       'table', wanted.name, 'name', class.relname, 'index', format('%I.%I', space.nspname, class.relname),
       'definition', pg_get_indexdef(class.oid), 'method', method.amname, 'tablespace', tablespace.spcname,
       'clustered', ind.indisclustered, 'identity', ind.indisreplident,
       'comment', obj_description(class.oid, 'pg_class'),
       'statistics', (SELECT coalesce(json_agg(json_build_object('column', attnum, 'target', attstattarget)), '[]')
                        FROM pg_attribute WHERE attrelid = class.oid AND attstattarget >= 0),
       'constraint', CASE WHEN con.oid IS NOT NULL THEN json_build_object(
         'name', con.conname, 'type', con.contype, 'definition', pg_get_constraintdef(con.oid),
         'comment', obj_description(con.oid, 'pg_constraint'),
         'deferrable', con.condeferrable, 'deferred', con.condeferred) END) AS row
     FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place)
     JOIN pg_index AS ind ON ind.indrelid = wanted.name::regclass AND ind.indisvalid AND ind.indisready
     JOIN pg_class AS class ON class.oid = ind.indexrelid AND NOT class.relispartition
     JOIN pg_namespace AS space ON space.oid = class.relnamespace
     JOIN pg_am AS method ON method.oid = class.relam
     LEFT JOIN pg_tablespace AS tablespace ON tablespace.oid = class.reltablespace
     LEFT JOIN pg_constraint AS con ON con.conindid = class.oid AND con.conrelid = ind.indrelid
                                   AND con.contype IN ('p', 'u', 'x')
     WHERE NOT EXISTS (
       SELECT FROM pg_depend AS d
        WHERE (d.refclassid, d.refobjid) IN (('pg_class'::regclass, class.oid), ('pg_constraint'::regclass, con.oid))
          AND d.deptype <> 'i'
          AND NOT (d.classid = 'pg_constraint'::regclass AND d.objid = ANY ($2::oid[])))
     AND NOT EXISTS (
       SELECT FROM pg_depend AS d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = class.oid AND d.deptype IN ('e', 'x'))
     ORDER BY wanted.place, class.relname`,
    [tables, foreignKeys],
  )
}

function indexObject(index: Index): DroppableObject {
  const { table, name, constraint } = index
  if (constraint === null)
    return { table, kind: 'index', name, drop: `DROP INDEX ${index.index}`, restore: restoreIndex(index) }
  const drop = `ALTER TABLE ${table} DROP CONSTRAINT ${quoteIdentifier(constraint.name)}`
  return { table, kind: 'constraint', name: constraint.name, drop, restore: restoreIndex(index) }
}

/**
 * What changes the table itself takes its lock before the index is built: two builds at once would otherwise each hold a
 * weaker lock on it while they wait for the stronger one.
 */
function restoreIndex(index: Index): string[] {
  const { table, name, constraint } = index
  const quoted = quoteIdentifier(name)
  const onTable = [
    ...(constraint === null
      ? []
      : commentOn(`CONSTRAINT ${quoteIdentifier(constraint.name)} ON ${table}`, constraint.comment)),
    ...(index.clustered ? [`ALTER TABLE ${table} CLUSTER ON ${quoted}`] : []),
    ...(index.identity ? [`ALTER TABLE ${table} REPLICA IDENTITY USING INDEX ${quoted}`] : []),
  ]
  return [
    ...(constraint !== null || onTable.length > 0 ? [`LOCK TABLE ONLY ${table} IN ACCESS EXCLUSIVE MODE`] : []),
    `SET LOCAL default_tablespace = ${quoteLiteral(index.tablespace ?? '')}`,
    ...creation(index),
    ...index.statistics.map(
      ({ column, target }) => `ALTER INDEX ${index.index} ALTER COLUMN ${column} SET STATISTICS ${target}`,
    ),
    ...commentOn(`INDEX ${index.index}`, index.comment),
    ...onTable,
  ]
}

/** A key's index is built from its own definition, which has its storage options, and is then made the constraint's. */
function creation({ table, name, definition, method, constraint }: Index): string[] {
  if (constraint === null) return [definition]
  const add = `ALTER TABLE ${table} ADD CONSTRAINT ${quoteIdentifier(constraint.name)}`
  if (constraint.type === 'x' || method !== 'btree') return [`${add} ${constraint.definition}`]
  const kind = constraint.type === 'p' ? 'PRIMARY KEY' : 'UNIQUE'
  const deferred = constraint.deferred ? 'DEFERRED' : 'IMMEDIATE'
  const deferral = constraint.deferrable ? ` DEFERRABLE INITIALLY ${deferred}` : ''
  return [definition, `${add} ${kind} USING INDEX ${quoteIdentifier(name)}${deferral}`]
}

function commentOn(object: string, comment: string | null): string[] {
  return comment === null ? [] : [`COMMENT ON ${object} IS ${quoteLiteral(comment)}`]
}
