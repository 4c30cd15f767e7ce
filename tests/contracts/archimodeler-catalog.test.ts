import { Client } from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import archimodeler from '../../contracts/archimodeler/contract-set.ts'
import type { ContractColumn, Entity } from '../../contracts/language/contract-set.ts'
import { objectName } from '../../contracts/language/object-name.ts'
import { MONOLITH_DDL } from '../../infra/demo/monolith/ddl.ts'
import { withDatabase } from '../with-servers.ts'

// The contract and the monolith's DDL were written down apart from each other: each proves the other.

const entities = archimodeler.services.flatMap((service) => service.entities)

test('the contract claims every table of the monolith, or leaves it behind by name', async () => {
  await withMonolithSchema(async (client) => {
    const tables = await linesOf(client, `SELECT relname FROM pg_class WHERE ${IN_PUBLIC} AND relkind = 'r'`)
    assert.equal(tables, [...entities.map(({ table }) => table), ...archimodeler.leftBehind].sort())
  })
})

test('every column has the type, nullability and default of the monolith, in its order', async () => {
  await withMonolithSchema(async (client) => {
    const columns = await linesOf(
      client,
      `SELECT concat_ws(' ', relname, lpad(attnum::text, 2, '0'), attname, format_type(atttypid, atttypmod),
         CASE WHEN attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_get_expr(adbin, adrelid))
       FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
       LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
       WHERE ${IN_PUBLIC} AND relkind = 'r' AND relname <> '_prisma_migrations'`,
    )
    assert.equal(columns, entities.flatMap(columnLines).sort())
  })
})

function columnLines({ table, columns }: Entity): string[] {
  return columns.map((column, place) => {
    const start = `${table} ${String(place + 1).padStart(2, '0')} ${column.name} ${column.type}`
    return `${start}${column.nullable ? '' : ' NOT NULL'}${defaultOf(column)}`
  })
}

/** The catalog prints a literal with its type. */
function defaultOf(column: ContractColumn): string {
  if (column.default === undefined) return ''
  return ` DEFAULT ${column.default}${column.default.startsWith("'") ? `::${column.type}` : ''}`
}

test('every enum has the labels of the monolith, in its order', async () => {
  await withMonolithSchema(async (client) => {
    const labels = await linesOf(
      client,
      `SELECT format_type(enumtypid, -1) || ' ' || string_agg(enumlabel, ' ' ORDER BY enumsortorder)
       FROM pg_enum GROUP BY enumtypid`,
    )
    const types = archimodeler.services.flatMap((service) => service.types)
    const contract = types.map(({ name, labels: declared }) => [name, ...(declared ?? [])].join(' '))
    assert.equal(labels, [...new Set(contract)].sort())
  })
})

test('every primary key and index is the monolith’s, by name, uniqueness and columns', async () => {
  await withMonolithSchema(async (client) => {
    const indexes = await linesOf(
      client,
      `SELECT concat_ws(' ', relname, CASE WHEN indisprimary THEN 'primary' WHEN indisunique THEN 'unique' END, columns)
       FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid CROSS JOIN LATERAL (
         SELECT string_agg(attname, ' ' ORDER BY place) AS columns FROM unnest(indkey) WITH ORDINALITY AS k(number, place)
         JOIN pg_attribute ON attrelid = indrelid AND attnum = number) AS keys
       WHERE ${IN_PUBLIC} AND indrelid <> 'public._prisma_migrations'::regclass`,
    )
    assert.equal(indexes, entities.flatMap(indexLines).sort())
  })
})

function indexLines({ key, keyAs, keyName, indexes }: Entity): string[] {
  return [
    [keyName, keyAs === 'primary key' ? 'primary' : 'unique', ...key].join(' '),
    ...indexes.map(({ name, unique, on }) => [name, ...(unique ? ['unique'] : []), ...on].join(' ')),
  ]
}

test('every foreign key of the monolith is a reference in the contract, within a service or across', async () => {
  await withMonolithSchema(async (client) => {
    const foreignKeys = await linesOf(
      client,
      `SELECT concat_ws(' ', conname, a.attname, confrelid::regclass, b.attname, confdeltype, confupdtype)
       FROM pg_constraint JOIN pg_attribute a ON a.attrelid = conrelid AND ARRAY[a.attnum] = conkey
       JOIN pg_attribute b ON b.attrelid = confrelid AND ARRAY[b.attnum] = confkey WHERE contype = 'f'`,
    )
    assert.is(foreignKeys.length, 44)
    assert.equal(foreignKeys, entities.flatMap(referenceLines).sort())
  })
})

const ACTION_LETTERS = { 'NO ACTION': 'a', RESTRICT: 'r', CASCADE: 'c', 'SET NULL': 'n', 'SET DEFAULT': 'd' }

function referenceLines({ table, references, crossReferences }: Entity): string[] {
  const within = references.map(({ name, on, to, toColumns, onDelete, onUpdate }) => {
    return `${name} ${on.join()} public."${to}" ${toColumns.join()} ${ACTION_LETTERS[onDelete]} ${ACTION_LETTERS[onUpdate]}`
  })
  const across = crossReferences.flatMap(({ on, toEntity, toColumns, onDelete }) => {
    if (onDelete === null) return []
    const name = objectName(table, on, 'fkey')
    return [`${name} ${on.join()} public."${toEntity}" ${toColumns.join()} ${ACTION_LETTERS[onDelete]} c`]
  })
  return [...within, ...across]
}

const IN_PUBLIC = `relnamespace = 'public'::regnamespace`

async function withMonolithSchema(use: (client: Client) => Promise<void>): Promise<void> {
  await withDatabase(async (url) => {
    const client = new Client({ connectionString: url })
    await client.connect()
    try {
      for (const part of Object.values(MONOLITH_DDL)) await client.query(part)
      await client.query(`SET search_path = ''`)
      await use(client)
    } finally {
      await client.end()
    }
  })
}

async function linesOf(client: Client, statement: string): Promise<string[]> {
  const { rows } = await client.query<[string]>({ text: statement, rowMode: 'array' })
  return rows.map(([line]) => line).sort()
}

test.run()
