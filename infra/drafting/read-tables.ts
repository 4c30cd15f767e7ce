import type pg from 'pg'
import { z } from 'zod'
import { jsonRows } from '../catalog/json-rows.ts'

const NAMES = z.array(z.string())

const TABLE = z.object({
  oid: z.string(),
  bytes: z.number(),
  rows: z.number(),
  checks: z.array(z.object({ name: z.string(), definition: z.string() })),
  triggers: NAMES,
  policies: NAMES,
})

export type TableRow = z.infer<typeof TABLE>

/** Sizes and estimates are the planner's: no table is read. Manual: "pg_class", "pg_constraint". */
export async function readTables(client: pg.Client, oids: readonly string[]): Promise<TableRow[]> {
  return await jsonRows(
    client,
    TABLE,
    `SELECT json_build_object(
       'oid', c.oid::text, 'bytes', CASE WHEN c.relkind = 'r' THEN pg_table_size(c.oid) ELSE 0 END,
       'rows', CASE WHEN pg_relation_size(c.oid) = 0 THEN 0 ELSE c.reltuples END,
       'checks', (SELECT coalesce(json_agg(json_build_object('name', conname, 'definition', pg_get_constraintdef(oid))
                                           ORDER BY conname), '[]')
                    FROM pg_constraint WHERE conrelid = c.oid AND contype = 'c'),
       'triggers', (SELECT coalesce(json_agg(tgname ORDER BY tgname), '[]') FROM pg_trigger
                     WHERE tgrelid = c.oid AND NOT tgisinternal),
       'policies', (SELECT coalesce(json_agg(polname ORDER BY polname), '[]') FROM pg_policy WHERE polrelid = c.oid)
     ) AS row FROM pg_class c WHERE c.oid = ANY ($1::oid[])`,
    [oids],
  )
}

const INDEX = z.object({
  oid: z.string(),
  name: z.string(),
  descending: z.boolean(),
  operatorClass: z.boolean(),
  collation: z.boolean(),
  included: z.boolean(),
  nullsNotDistinct: z.boolean(),
  isExclusion: z.boolean(),
})

/** What indexes have beside columns and uniqueness. Manual: "pg_index". */
export async function readIndexFacts(client: pg.Client, oids: readonly string[]): Promise<z.infer<typeof INDEX>[]> {
  return await jsonRows(
    client,
    INDEX,
    `SELECT json_build_object(
       'oid', i.indrelid::text, 'name', c.relname,
       'descending', EXISTS (SELECT FROM unnest(i.indoption::int2[]) AS o (flags) WHERE flags <> 0),
       'operatorClass', EXISTS (SELECT FROM unnest(i.indclass::oid[]) AS used (opclass) JOIN pg_opclass o ON o.oid = opclass
                                 WHERE NOT o.opcdefault),
       'collation', EXISTS (SELECT FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
                              JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                             WHERE k.place <= i.indnkeyatts
                               AND (i.indcollation::oid[])[k.place - 1] NOT IN (a.attcollation, 0)),
       'included', i.indnatts > i.indnkeyatts,
       'nullsNotDistinct', pg_get_indexdef(i.indexrelid) ~ ' NULLS NOT DISTINCT',
       'isExclusion', i.indisexclusion) AS row
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE i.indrelid = ANY ($1::oid[])`,
    [oids],
  )
}

const FOREIGN_KEY = z.object({
  oid: z.string(),
  name: z.string(),
  isDerived: z.boolean(),
  matchFull: z.boolean(),
  isDisabled: z.boolean(),
  setsSome: z.boolean(),
})

/** What foreign keys have beside columns and actions. Manual: "pg_constraint". */
export async function readForeignKeyFacts(
  client: pg.Client,
  oids: readonly string[],
): Promise<z.infer<typeof FOREIGN_KEY>[]> {
  return await jsonRows(
    client,
    FOREIGN_KEY,
    `SELECT json_build_object(
       'oid', con.conrelid::text, 'name', con.conname,
       'isDerived', EXISTS (SELECT FROM pg_constraint p WHERE p.oid = con.conparentid AND p.conrelid = con.conrelid),
       'matchFull', con.confmatchtype = 'f',
       'isDisabled', EXISTS (SELECT FROM pg_trigger WHERE tgconstraint = con.oid AND tgenabled = 'D'),
       'setsSome', pg_get_constraintdef(con.oid) ~ ' SET (NULL|DEFAULT) \\(') AS row
     FROM pg_constraint con WHERE con.contype = 'f' AND con.conrelid = ANY ($1::oid[])`,
    [oids],
  )
}
