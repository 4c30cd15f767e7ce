import type pg from 'pg'
import { z } from 'zod'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { jsonRows } from '../../infra/catalog/json-rows.ts'
import { commentOn } from './live-table.ts'

/**
 * What the swap carries over: before the tables change places it is taken from those in use, and afterwards it is given
 * to the new ones, which then bear their names. All names here are of tables in use.
 */

const LIVE = `live AS (SELECT name, c.* FROM unnest($1::text[]) AS name JOIN pg_class c ON c.oid = to_regclass(name))`

const OUTER_KEY = z.object({
  /** `schema.table`, quoted: the table that has it. */
  table: z.string(),
  name: z.string(),
  definition: z.string(),
  validated: z.boolean(),
  comment: z.string().nullable(),
})

type OuterKey = z.infer<typeof OUTER_KEY>

/**
 * Foreign keys between a table of the service and one outside it, either way. An old table must keep none: what it holds
 * would bind the other.
 */
export async function readOuterKeys(client: pg.Client, lives: readonly string[]): Promise<OuterKey[]> {
  return await jsonRows(
    client,
    OUTER_KEY,
    `WITH ${LIVE}
     SELECT json_build_object('table', format('%I.%I', n.nspname, c.relname), 'name', con.conname,
              'definition', pg_get_constraintdef(con.oid), 'validated', con.convalidated,
              'comment', obj_description(con.oid, 'pg_constraint')) AS row
       FROM pg_constraint con JOIN pg_class c ON c.oid = con.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE con.contype = 'f' AND con.conparentid = 0
        AND (con.conrelid IN (SELECT oid FROM live)) <> (con.confrelid IN (SELECT oid FROM live))
      ORDER BY n.nspname, c.relname, con.conname`,
    [lives],
  )
}

export function dropOuterKey({ table, name }: OuterKey): string {
  return `ALTER TABLE ${table} DROP CONSTRAINT ${quoteIdentifier(name)}`
}

/** Without looking at the rows, which would take as long as there are rows: see `validateOuterKey`. */
export function addOuterKey({ table, name, definition, validated, comment }: OuterKey): string[] {
  const quoted = quoteIdentifier(name)
  return [
    `ALTER TABLE ${table} ADD CONSTRAINT ${quoted} ${definition}${validated ? ' NOT VALID' : ''}`,
    ...commentOn(`CONSTRAINT ${quoted} ON ${table}`, comment),
  ]
}

/** It lets readers and writers go on. Manual: "ALTER TABLE", VALIDATE CONSTRAINT. */
export function validateOuterKey({ table, name, validated }: OuterKey): string[] {
  return validated ? [`ALTER TABLE ${table} VALIDATE CONSTRAINT ${quoteIdentifier(name)}`] : []
}

const MEMBERSHIP = z.object({
  publication: z.string(),
  table: z.string(),
  columns: z.array(z.string()).nullable(),
  filter: z.string().nullable(),
})

type Membership = z.infer<typeof MEMBERSHIP>

/** Lists of columns and row filters are there from PostgreSQL 15 on. */
export async function readMemberships(client: pg.Client, lives: readonly string[]): Promise<Membership[]> {
  const { rows } = await client.query(
    `SELECT FROM pg_attribute WHERE attrelid = 'pg_publication_rel'::regclass AND attname = 'prqual'`,
  )
  const [columns, filter] =
    rows.length > 0
      ? [
          `(SELECT json_agg(a.attname ORDER BY k.place) FROM unnest(r.prattrs) WITH ORDINALITY AS k (attnum, place)
              JOIN pg_attribute a ON a.attrelid = r.prrelid AND a.attnum = k.attnum)`,
          'pg_get_expr(r.prqual, r.prrelid)',
        ]
      : ['NULL', 'NULL']
  return await jsonRows(
    client,
    MEMBERSHIP,
    `WITH ${LIVE}
     SELECT json_build_object('publication', p.pubname, 'table', live.name, 'columns', ${columns}, 'filter', ${filter}) AS row
       FROM live JOIN pg_publication_rel r ON r.prrelid = live.oid JOIN pg_publication p ON p.oid = r.prpubid
      ORDER BY p.pubname, live.name`,
    [lives],
  )
}

export function dropMembership({ publication, table }: Membership): string {
  return `ALTER PUBLICATION ${quoteIdentifier(publication)} DROP TABLE ONLY ${table}`
}

export function addMembership({ publication, table, columns, filter }: Membership): string {
  const list = columns === null ? '' : ` (${columns.map(quoteIdentifier).join(', ')})`
  const where = filter === null ? '' : ` WHERE (${filter})`
  return `ALTER PUBLICATION ${quoteIdentifier(publication)} ADD TABLE ONLY ${table}${list}${where}`
}

const SEQUENCE = z.object({
  /** `schema.sequence`, quoted. */
  sequence: z.string(),
  /** The column that owns it, as `schema.table.column`, quoted. */
  column: z.string(),
})

type OwnedSequence = z.infer<typeof SEQUENCE>

/** Sequences of serial columns, and others that belong to a column by OWNED BY. */
export async function readOwnedSequences(client: pg.Client, lives: readonly string[]): Promise<OwnedSequence[]> {
  return await jsonRows(
    client,
    SEQUENCE,
    `WITH ${LIVE}
     SELECT json_build_object('sequence', format('%I.%I', n.nspname, s.relname), 'column', format('%s.%I', live.name, a.attname)) AS row
       FROM live JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = live.oid
        AND d.classid = 'pg_class'::regclass AND d.deptype = 'a'
       JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_namespace n ON n.oid = s.relnamespace
       JOIN pg_attribute a ON a.attrelid = live.oid AND a.attnum = d.refobjsubid
      ORDER BY n.nspname, s.relname`,
    [lives],
  )
}

export function ownedBy({ sequence, column }: OwnedSequence): string {
  return `ALTER SEQUENCE ${sequence} OWNED BY ${column}`
}

export function ownedByNone({ sequence }: OwnedSequence): string {
  return `ALTER SEQUENCE ${sequence} OWNED BY NONE`
}
