import type { Client } from 'pg'

/** A table as the database's catalog has it, in the contract language's words. */
export interface CatalogTable {
  readonly schema: string
  readonly table: string
  readonly columns: readonly CatalogColumn[]
  readonly indexes: readonly CatalogIndex[]
  readonly references: readonly CatalogReference[]
}

export interface CatalogColumn {
  readonly name: string
  readonly type: string
  readonly nullable: boolean
  readonly default: string | null
  readonly generated: string | null
  readonly identity: string | null
}

export interface CatalogIndex {
  readonly name: string
  readonly on: readonly string[]
  readonly unique: boolean
  readonly primary: boolean
}

export interface CatalogReference {
  readonly on: readonly string[]
  readonly toSchema: string
  readonly toTable: string
  readonly toColumns: readonly string[]
  readonly onDelete: string
  readonly onUpdate: string
}

/**
 * Every table that is the database's own. The session's search path must be `pg_catalog` alone, for types and
 * expressions to come out as contracts have them. Manual: "System Catalogs".
 */
export async function readTables(client: Client): Promise<CatalogTable[]> {
  const { rows } = await client.query<CatalogTable>(`
    SELECT n.nspname AS schema, c.relname AS table, (${COLUMNS}) AS columns,
      coalesce((${INDEXES}), '[]') AS indexes, coalesce((${REFERENCES}), '[]') AS "references"
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')`)
  return rows
}

const COLUMNS = `
  SELECT jsonb_agg(jsonb_build_object(
    'name', a.attname,
    'type', format_type(a.atttypid, a.atttypmod),
    'nullable', NOT a.attnotnull,
    'default', CASE a.attgenerated WHEN '' THEN pg_get_expr(d.adbin, d.adrelid) END,
    'generated', CASE a.attgenerated WHEN 's' THEN pg_get_expr(d.adbin, d.adrelid) END,
    'identity', CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END))
  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped`

const INDEXES = `
  SELECT jsonb_agg(jsonb_build_object(
    'name', ic.relname, 'unique', i.indisunique, 'primary', i.indisprimary, 'on', ${names('i.indrelid', 'i.indkey')}))
  FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
  WHERE i.indrelid = c.oid`

const REFERENCES = `
  SELECT jsonb_agg(jsonb_build_object(
    'on', ${names('f.conrelid', 'f.conkey')},
    'toSchema', tn.nspname, 'toTable', t.relname, 'toColumns', ${names('f.confrelid', 'f.confkey')},
    'onDelete', ${action('f.confdeltype')}, 'onUpdate', ${action('f.confupdtype')}))
  FROM pg_constraint f JOIN pg_class t ON t.oid = f.confrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
  WHERE f.conrelid = c.oid AND f.contype = 'f'`

function names(table: string, numbers: string): string {
  return `(
    SELECT jsonb_agg(k.attname ORDER BY u.place) FROM unnest(${numbers}::int2[]) WITH ORDINALITY AS u (number, place)
    JOIN pg_attribute k ON k.attrelid = ${table} AND k.attnum = u.number)`
}

function action(code: string): string {
  return `CASE ${code} WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE'
    WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' END`
}
