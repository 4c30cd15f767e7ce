import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { AWKWARD_TEXTS, LONG_TEXTS } from '../../../infra/demo/monolith/awkward-texts.ts'
import { AWKWARD_DOCUMENTS, AWKWARD_DOUBLES, AWKWARD_MOMENTS } from '../../../infra/demo/monolith/awkward-values.ts'
import { MIN_ELEMENTS } from '../../../infra/demo/monolith/sizes.ts'
import { type Monolith, withMonolith } from './with-monolith.ts'

/** The smallest monolith must hold everything that the large one holds. */
const SMALLEST = { elements: MIN_ELEMENTS, relationships: MIN_ELEMENTS, seed: 11 }

/** A special value in one table alone would prove one table's path. */
const LEAST_TABLES = 4

test('every label of every enum is used in every column of its type', async () => {
  await withMonolith(SMALLEST, async (monolith) => {
    const columns = await columnsOf(monolith, `EXISTS (SELECT FROM pg_enum WHERE enumtypid = atttypid)`)
    assert.is(columns.length, 5)
    for (const { table, column } of columns) {
      const unused = await monolith.values(
        `SELECT enumlabel FROM pg_enum JOIN pg_attribute ON atttypid = enumtypid
         WHERE attrelid = $1::regclass AND attname = $2
         AND enumlabel NOT IN (SELECT "${column}"::text FROM "${table}")`,
        `"${table}"`,
        column,
      )
      assert.equal(unused, [], `${table}.${column}`)
    }
    assert.is(await monolith.value(`SELECT count(DISTINCT (type, severity))::int FROM "Notification"`), 64)
  })
})

test('every nullable column has NULLs and values', async () => {
  await withMonolith(SMALLEST, async (monolith) => {
    const columns = await columnsOf(monolith, 'NOT attnotnull')
    assert.ok(columns.length > 35)
    for (const { table, column } of columns) {
      const found = await monolith.values(
        `SELECT DISTINCT "${column}" IS NULL AS is_null FROM "${table}" ORDER BY is_null`,
      )
      assert.equal(found, [false, true], `${table}.${column}`)
    }
  })
})

test('every awkward value stands in several tables', async () => {
  await withMonolith(SMALLEST, async (monolith) => {
    await everyValueIn(monolith, 'text', AWKWARD_TEXTS)
    await everyValueIn(monolith, 'text', LONG_TEXTS)
    await everyValueIn(monolith, 'jsonb', AWKWARD_DOCUMENTS)
    await everyValueIn(monolith, 'timestamp(3)', AWKWARD_MOMENTS)
  })
})

async function everyValueIn(monolith: Monolith, type: string, values: readonly string[]): Promise<void> {
  const tables = new Map(values.map((value) => [value, new Set<string>()]))
  for (const { table, column } of await columnsOf(monolith, `atttypid = '${type}'::regtype`)) {
    const found = await monolith.values(
      `SELECT value FROM unnest($1::text[]) AS value
       WHERE value::${type}::text IN (SELECT "${column}"::text FROM "${table}")`,
      values,
    )
    for (const value of found) tables.get(String(value))?.add(table)
  }
  for (const [value, holders] of tables)
    assert.ok(holders.size >= LEAST_TABLES, `${JSON.stringify(value).slice(0, 60)} is in ${[...holders].join() || '-'}`)
}

test('positions hold every awkward double, as PostgreSQL prints it', async () => {
  await withMonolith(SMALLEST, async ({ values }) => {
    for (const column of ['positionX', 'positionY']) {
      const found = await values(`SELECT "${column}"::text FROM "CommentThread"`)
      const missing = AWKWARD_DOUBLES.filter((double) => !found.includes(double))
      assert.ok(missing.length <= 3, `${column} lacks ${missing.join()}`)
    }
    const both = await values(`SELECT unnest(ARRAY["positionX"::text, "positionY"::text]) FROM "CommentThread"`)
    assert.equal(
      AWKWARD_DOUBLES.filter((double) => !both.includes(double)),
      [],
    )
  })
})

test('folders are deep, and most are stored before their parents', async () => {
  await withMonolith({ elements: 200, seed: 3 }, async ({ value }) => {
    const depth = await value(`
      WITH RECURSIVE tree AS (
        SELECT id, 1 AS depth FROM "Folder" WHERE "parentId" IS NULL
        UNION ALL SELECT f.id, depth + 1 FROM "Folder" f JOIN tree ON f."parentId" = tree.id)
      SELECT max(depth) FROM tree`)
    assert.ok(Number(depth) >= 12)
    const share = await value(`
      SELECT avg((child.ctid < parent.ctid)::int) FROM "Folder" child JOIN "Folder" parent ON parent.id = child."parentId"
      WHERE child."modelPackageId" = parent."modelPackageId"`)
    assert.ok(Number(share) > 0.5)
  })
})

test('things have histories, of which at most one version is current', async () => {
  await withMonolith({ elements: 200, seed: 3 }, async ({ values }) => {
    for (const table of ['Element', 'Relationship']) {
      const [histories] = await values(`
        SELECT concat_ws(' ', bool_or(current = 0), bool_or(current = 1), bool_or(current > 1), max(versions)) FROM (
          SELECT count(*) AS versions, count(*) FILTER (WHERE "validTo" IS NULL) AS current FROM "${table}"
          GROUP BY "versionId") AS things`)
      assert.is(histories, 't t f 12', table)
    }
  })
})

test('comments answer one another within their thread, in a long chain too', async () => {
  await withMonolith({ elements: 200, seed: 3 }, async ({ value }) => {
    const strays = await value(`
      SELECT count(*)::int FROM "Comment" c JOIN "Comment" p ON p.id = c."parentId" WHERE p."threadId" <> c."threadId"`)
    assert.is(strays, 0)
    const chain = await value(`
      WITH RECURSIVE chain AS (
        SELECT id, 1 AS length FROM "Comment" WHERE "parentId" IS NULL
        UNION ALL SELECT c.id, length + 1 FROM "Comment" c JOIN chain ON c."parentId" = chain.id)
      SELECT max(length) FROM chain`)
    assert.ok(Number(chain) >= 20)
  })
})

test('some threads of each kind have lost their target, and some have one of another kind', async () => {
  await withMonolith(SMALLEST, async ({ values }) => {
    const lost = await values(`
      SELECT "targetType"::text || ' ' || (any_kind.id IS NULL) FROM "CommentThread"
      LEFT JOIN (SELECT 'ELEMENT' AS kind, id FROM "Element" UNION ALL SELECT 'RELATIONSHIP', id FROM "Relationship"
        UNION ALL SELECT 'VIEW', id FROM "View") AS any_kind ON any_kind.id = "targetId"
      WHERE kind IS DISTINCT FROM "targetType"::text GROUP BY 1 ORDER BY 1`)
    assert.equal(
      lost,
      ['ELEMENT', 'RELATIONSHIP', 'VIEW'].flatMap((kind) => [`${kind} false`, `${kind} true`]),
    )
  })
})

test('views reach a megabyte and are stored out of line, and so is prose elsewhere', async () => {
  await withMonolith({ elements: 200, seed: 3 }, async ({ value }) => {
    assert.ok(Number(await value(`SELECT max(octet_length(content::text)) FROM "View"`)) >= 1_000_000)
    const large = `octet_length(content::text) >= 10000`
    const share = await value(`SELECT avg((pg_column_size(content) > 2000)::int) FROM "View" WHERE ${large}`)
    assert.ok(Number(share) > 0.9)
    for (const table of ['View', 'Element', 'Comment', 'Notification'])
      assert.ok(
        Number(
          await value(`SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE oid = $1::regclass`, `"${table}"`),
        ) > 0,
        table,
      )
  })
})

test('notifications name things of other services, and sources hold credentials', async () => {
  await withMonolith({ elements: 200, seed: 3 }, async ({ value, values }) => {
    for (const [key, table] of [
      ['elementId', 'Element'],
      ['viewId', 'View'],
      ['userId', 'User'],
      ['dataSourceId', 'DataSource'],
    ])
      assert.ok(
        Number(await value(`SELECT count(*) FROM "Notification" JOIN "${table}" t ON t.id = metadata->>'${key}'`)) > 0,
        key,
      )
    assert.equal(await values(`SELECT id FROM "DataSource" WHERE NOT config ?& ARRAY['url', 'password', 'apiKey']`), [])
    assert.equal(await values(`SELECT password FROM "User" WHERE password !~ '^\\$2b\\$10\\$[./A-Za-z0-9]{53}$'`), [])
  })
})

interface TableColumn {
  readonly table: string
  readonly column: string
}

/** The columns for which a condition on pg_attribute holds, Prisma's own table left out. */
async function columnsOf({ values }: Monolith, condition: string): Promise<readonly TableColumn[]> {
  const found = await values(`
    SELECT json_build_object('table', relname, 'column', attname)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid AND relkind = 'r'
    WHERE relnamespace = 'public'::regnamespace AND relname <> '_prisma_migrations'
    AND attnum > 0 AND NOT attisdropped AND ${condition}`)
  // The statement builds exactly these two keys.
  return found as readonly TableColumn[]
}

test.run()
