import type pg from 'pg'
import { z } from 'zod'
import { tableSql } from '../postgres/digest-sql.ts'
import type { Catalog, CatalogColumn, CatalogIndex, CatalogReference, CatalogTable, TableName } from './catalog.ts'
import { jsonRows } from './json-rows.ts'

export interface ReadCatalogOptions {
  /** Whether to look if each table has rows, by reading its first one. Left out, nothing but the catalog is touched. */
  readonly rows: boolean
}

/**
 * Reads what the catalog says of these tables: five statements, whatever the number of tables, and one more where rows
 * are looked for. Manual: "System Catalogs".
 * @param client a pinned session, whose search path makes every name schema-qualified.
 */
export async function readCatalog(
  client: pg.Client,
  tables: readonly TableName[],
  { rows }: ReadCatalogOptions = { rows: true },
): Promise<Catalog> {
  const found = await readTables(client, tables)
  const oids = found.map(({ oid }) => oid)
  const columns = await readColumns(client, oids)
  const indexes = await readIndexes(client, oids)
  const references = await readReferences(client, oids)
  const enums = await readEnums(client)
  const withRows = rows ? await readWithRows(client, found) : new Map<string, boolean>()
  const complete = found.map((table): [string, CatalogTable] => [
    tableSql(table),
    {
      ...table,
      hasRows: withRows.get(table.oid) ?? null,
      columns: columns.get(table.oid) ?? [],
      indexes: indexes.get(table.oid) ?? [],
      references: references.get(table.oid) ?? [],
    },
  ])
  return { tables: new Map(complete), enums }
}

const TABLE_NAME = z.object({ schema: z.string(), table: z.string() })

const TABLE = TABLE_NAME.extend({
  oid: z.string(),
  kind: z.string(),
  persistence: z.string(),
  replicaIdentity: z.string(),
  replicaIdentityIndex: z.string().nullable(),
  isPartition: z.boolean(),
  inherits: z.boolean(),
  hasChildren: z.boolean(),
  rowSecurity: z.object({ enabled: z.boolean(), forced: z.boolean(), appliesToUs: z.boolean() }),
  readable: z.boolean(),
  owned: z.boolean(),
  estimatedBytes: z.number(),
})

type BareTable = z.infer<typeof TABLE>

async function readTables(client: pg.Client, tables: readonly TableName[]): Promise<BareTable[]> {
  return await jsonRows(
    client,
    TABLE,
    `SELECT json_build_object(
       'schema', n.nspname, 'table', c.relname, 'oid', c.oid::text, 'kind', c.relkind, 'persistence', c.relpersistence,
       'replicaIdentity', c.relreplident,
       'replicaIdentityIndex', (SELECT ic.relname FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
                                 WHERE i.indrelid = c.oid AND i.indisreplident),
       'isPartition', c.relispartition,
       'inherits', EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid),
       'hasChildren', EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid),
       'rowSecurity', json_build_object('enabled', c.relrowsecurity, 'forced', c.relforcerowsecurity,
                                        'appliesToUs', row_security_active(c.oid)),
       'readable', has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'),
       'owned', pg_has_role(c.relowner, 'USAGE'),
       'estimatedBytes', (greatest(c.relpages, 0) + greatest(coalesce(toast.relpages, 0), 0))
                         * current_setting('block_size')::bigint) AS row
     FROM unnest($1::text[], $2::text[]) AS wanted (nspname, relname)
     JOIN pg_namespace n USING (nspname)
     JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.relname
     LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid`,
    [tables.map(({ schema }) => schema), tables.map(({ table }) => table)],
  )
}

const IDENTITIES = { a: 'ALWAYS', d: 'BY DEFAULT' } as const

const COLUMN = z.object({
  oid: z.string(),
  name: z.string(),
  type: z.string(),
  notNull: z.boolean(),
  refusesNull: z.boolean(),
  expression: z.string().nullable(),
  generated: z.boolean(),
  identity: z.enum(['a', 'd', '']).transform((kind) => (kind === '' ? null : IDENTITIES[kind])),
})

/** Before PostgreSQL 18 no constraint is of this kind, and `attnotnull` holds for every row. */
const IS_NOT_VALID = `EXISTS (
           SELECT FROM pg_constraint con
            WHERE con.conrelid = a.attrelid AND con.contype = 'n' AND con.conkey[1] = a.attnum AND NOT con.convalidated)`

async function readColumns(client: pg.Client, oids: readonly string[]): Promise<Map<string, CatalogColumn[]>> {
  return byTable(
    await jsonRows(
      client,
      COLUMN,
      `SELECT json_build_object(
         'oid', a.attrelid::text, 'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
         'notNull', a.attnotnull AND NOT ${IS_NOT_VALID}, 'refusesNull', a.attnotnull,
         'expression', pg_get_expr(d.adbin, d.adrelid), 'generated', a.attgenerated <> '',
         'identity', a.attidentity) AS row
       FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
       WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
       ORDER BY a.attrelid, a.attnum`,
      [oids],
    ),
  )
}

const INDEX = z.object({
  oid: z.string(),
  name: z.string(),
  columns: z.array(z.string().nullable()),
  unique: z.boolean(),
  primary: z.boolean(),
  immediate: z.boolean(),
  valid: z.boolean(),
  ready: z.boolean(),
  partial: z.boolean(),
  hasExpressions: z.boolean(),
  method: z.string(),
  definition: z.string(),
  constraint: z.object({ name: z.string(), definition: z.string() }).nullable(),
})

async function readIndexes(client: pg.Client, oids: readonly string[]): Promise<Map<string, CatalogIndex[]>> {
  return byTable(
    await jsonRows(
      client,
      INDEX,
      `SELECT json_build_object(
         'oid', i.indrelid::text, 'name', c.relname, 'unique', i.indisunique, 'primary', i.indisprimary,
         'immediate', i.indimmediate, 'valid', i.indisvalid, 'ready', i.indisready AND i.indislive,
         'partial', i.indpred IS NOT NULL, 'hasExpressions', i.indexprs IS NOT NULL, 'method', m.amname,
         'definition', pg_get_indexdef(i.indexrelid),
         'constraint', CASE WHEN con.oid IS NOT NULL THEN
           json_build_object('name', con.conname, 'definition', pg_get_constraintdef(con.oid)) END,
         'columns', (SELECT json_agg(a.attname ORDER BY k.place)
                       FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
                       LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                      WHERE k.place <= i.indnkeyatts)) AS row
       FROM pg_index i
       JOIN pg_class c ON c.oid = i.indexrelid
       JOIN pg_am m ON m.oid = c.relam
       LEFT JOIN pg_constraint con ON con.conindid = i.indexrelid AND con.conrelid = i.indrelid
                                  AND con.contype IN ('p', 'u', 'x')
       WHERE i.indrelid = ANY ($1::oid[])
       ORDER BY i.indrelid, c.relname`,
      [oids],
    ),
  )
}

const ACTIONS = { a: 'NO ACTION', r: 'RESTRICT', c: 'CASCADE', n: 'SET NULL', d: 'SET DEFAULT' } as const
const ACTION = z.enum(['a', 'r', 'c', 'n', 'd']).transform((code) => ACTIONS[code])

const REFERENCE = z.object({
  oid: z.string(),
  name: z.string(),
  columns: z.array(z.string()),
  to: TABLE_NAME,
  toColumns: z.array(z.string()),
  onDelete: ACTION,
  onUpdate: ACTION,
  validated: z.boolean(),
  deferrable: z.boolean(),
  definition: z.string(),
})

async function readReferences(client: pg.Client, oids: readonly string[]): Promise<Map<string, CatalogReference[]>> {
  return byTable(
    await jsonRows(
      client,
      REFERENCE,
      `SELECT json_build_object(
         'oid', con.conrelid::text, 'name', con.conname,
         'to', json_build_object('schema', n.nspname, 'table', c.relname),
         'onDelete', con.confdeltype, 'onUpdate', con.confupdtype, 'validated', con.convalidated,
         'deferrable', con.condeferrable, 'definition', pg_get_constraintdef(con.oid),
         'columns', (SELECT json_agg(a.attname ORDER BY k.place)
                       FROM unnest(con.conkey) WITH ORDINALITY AS k (attnum, place)
                       JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = k.attnum),
         'toColumns', (SELECT json_agg(a.attname ORDER BY k.place)
                         FROM unnest(con.confkey) WITH ORDINALITY AS k (attnum, place)
                         JOIN pg_attribute a ON a.attrelid = con.confrelid AND a.attnum = k.attnum)) AS row
       FROM pg_constraint con
       JOIN pg_class c ON c.oid = con.confrelid
       JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE con.contype = 'f' AND con.conrelid = ANY ($1::oid[])
       ORDER BY con.conrelid, con.conname`,
      [oids],
    ),
  )
}

const ENUM = z.object({ name: z.string(), labels: z.array(z.string()) })

async function readEnums(client: pg.Client): Promise<Map<string, readonly string[]>> {
  const rows = await jsonRows(
    client,
    ENUM,
    `SELECT json_build_object('name', format_type(e.enumtypid, NULL),
                              'labels', json_agg(e.enumlabel ORDER BY e.enumsortorder)) AS row
     FROM pg_enum e GROUP BY e.enumtypid`,
    [],
  )
  return new Map(rows.map(({ name, labels }) => [name, labels]))
}

/**
 * Which tables have a row. Only ordinary tables that the session may read are looked into: a foreign one would ask
 * another server, and row-level security would fail the statement.
 */
async function readWithRows(client: pg.Client, tables: readonly BareTable[]): Promise<Map<string, boolean>> {
  const visible = tables.filter((table) => table.kind === 'r' && table.readable && !table.rowSecurity.appliesToUs)
  if (visible.length === 0) return new Map()
  const looks = visible.map((table) => `EXISTS (SELECT FROM ONLY ${tableSql(table)})`)
  const [answers = []] = await jsonRows(
    client,
    z.array(z.boolean()),
    `SELECT to_json(ARRAY[${looks.join(', ')}]) AS row`,
    [],
  )
  return new Map(visible.map(({ oid }, place) => [oid, answers[place] ?? false]))
}

function byTable<Row extends { readonly oid: string }>(rows: readonly Row[]): Map<string, Omit<Row, 'oid'>[]> {
  const tables = new Map<string, Omit<Row, 'oid'>[]>()
  for (const { oid, ...row } of rows) {
    const own = tables.get(oid)
    if (own === undefined) tables.set(oid, [row])
    else own.push(row)
  }
  return tables
}
