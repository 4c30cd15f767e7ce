// deadline: 120 s
import * as assert from 'uvu/assert'
import { test } from 'uvu'
import { readDependents } from '../../../consumers/replay/dependents.ts'
import { failureOf } from '../with-service.ts'
import { ITEM_TABLES, items } from './item-service.ts'
import { rebuild, swapIn, withReplayed } from './replay-service.ts'

/** What makes a dependent, and what is said of it. */
const DEPENDENTS: readonly (readonly [sql: string, table: string, description: string | RegExp])[] = [
  ['CREATE VIEW names AS SELECT name FROM item', 'item', 'view names'],
  ['CREATE VIEW all_items AS SELECT item FROM item', 'item', 'view all_items'],
  ['CREATE VIEW grouped AS SELECT name, id FROM item GROUP BY id', 'item', 'view grouped'],
  ['CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM part', 'part', 'materialized view counted'],
  ['CREATE RULE quiet AS ON DELETE TO item DO INSTEAD NOTHING', 'item', 'rule quiet on table item'],
  ['CREATE RULE noisy AS ON INSERT TO other DO ALSO DELETE FROM item', 'item', 'rule noisy on table other'],
  ['CREATE FUNCTION names_of(item) RETURNS text LANGUAGE sql AS $$ SELECT $1.name $$', 'item', /^function names_of\(/],
  [
    'CREATE FUNCTION atomic_count() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM item; END',
    'item',
    'function atomic_count()',
  ],
  [`ALTER TABLE part ADD CONSTRAINT typed CHECK ('(1,a)'::item IS NOT NULL)`, 'item', 'constraint typed on table part'],
  [`CREATE INDEX typed ON part (('(1,a)'::item IS NULL))`, 'item', 'index typed'],
  [`CREATE POLICY typed ON part USING ('(1,a)'::item IS NOT NULL)`, 'item', 'policy typed on table part'],
  ['ALTER EXTENSION plpgsql ADD TABLE item', 'item', 'it is part of extension plpgsql'],
  [
    `ALTER TABLE part ADD ticket integer DEFAULT nextval('item_id_seq')`,
    'item',
    'default value for column ticket of table part',
  ],
  ['ALTER TABLE part ADD whole item', 'item', 'column whole of table part'],
  ['CREATE FUNCTION any_item() RETURNS SETOF item LANGUAGE plpgsql AS $$ BEGIN END $$', 'item', 'function any_item()'],
  ['CREATE FUNCTION of_array(item[]) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$', 'item', /^function of_array\(/],
  ['CREATE TABLE kept (was item)', 'item', 'column was of table kept'],
  ['CREATE TABLE kept_many (were item[])', 'item', 'column were of table kept_many'],
  ['CREATE TYPE pair AS (one item, two integer)', 'item', 'column one of composite type pair'],
  ['CREATE DOMAIN checked AS item CHECK ((VALUE).id > 0)', 'item', 'type checked'],
  [
    'CREATE POLICY reading ON other USING (EXISTS (SELECT FROM item WHERE id = other.id))',
    'item',
    'policy reading on table other',
  ],
  [
    `CREATE TABLE following (id integer DEFAULT nextval('item_id_seq'))`,
    'item',
    'default value for column id of table following',
  ],
  ['CREATE TABLE child () INHERITS (item)', 'item', 'table child'],
  [
    'CREATE TABLE parent (id integer NOT NULL, item integer NOT NULL); ALTER TABLE part INHERIT parent',
    'part',
    'it is a child or a partition of table parent',
  ],
  [
    'CREATE TABLE parted (item integer REFERENCES item) PARTITION BY LIST (item)',
    'item',
    'foreign key parted_item_fkey of partitioned table parted refers to it',
  ],
  ['ALTER TABLE part DISABLE TRIGGER ALL', 'item', 'foreign key part_item_fkey of table part has disabled triggers'],
  ['CREATE PUBLICATION everything FOR ALL TABLES', 'item', 'publication everything is of all tables'],
  [
    'CREATE CONSTRAINT TRIGGER across AFTER INSERT ON other FROM item FOR EACH ROW EXECUTE FUNCTION touch()',
    'item',
    'trigger across on table other',
  ],
]

const OTHERS = [
  'CREATE TABLE other (id integer PRIMARY KEY)',
  `CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
  // None of these is in the way.
  'CREATE TABLE referring (item integer REFERENCES item)',
  'ALTER TABLE part ADD other integer REFERENCES other',
  'CREATE TRIGGER touching AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION touch()',
  'CREATE POLICY reading ON item USING (EXISTS (SELECT FROM part WHERE part.item = item.id))',
  'CREATE POLICY whole ON item USING (item.* IS NOT NULL)',
  'CREATE STATISTICS of_part ON id, item FROM part',
  'CREATE PUBLICATION own FOR TABLE item',
  'CREATE FUNCTION by_name() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM public.item $$',
]

test('whatever would go on meaning the old table is named, and nothing else', async () => {
  await withReplayed(items, [...ITEM_TABLES, ...OTHERS], async ({ client, service }) => {
    assert.equal(await readDependents(client, service), [])
    for (const [sql, table, description] of DEPENDENTS) {
      await client.query('BEGIN')
      await client.query(`SET LOCAL search_path = public; ${sql}; SET LOCAL search_path = pg_catalog`)
      const found = await readDependents(client, service)
      await client.query('ROLLBACK')
      const own = found
        .filter((dependent) => dependent.table === `public.${table}`)
        .map((dependent) => dependent.description.replaceAll('public.', ''))
      assert.ok(
        own.some((text) => (typeof description === 'string' ? text === description : description.test(text))),
        `${sql}: ${JSON.stringify(found)}`,
      )
    }
  })
})

test('a table of a type, or of no ordinary kind, is named as such', async () => {
  const tables = [
    'CREATE TYPE of_item AS (id integer, name text)',
    'CREATE TABLE item OF of_item',
    'CREATE TABLE part (id integer, item integer) PARTITION BY LIST (id)',
  ]
  await withReplayed(items, tables, async ({ client, service }) => {
    assert.equal(await readDependents(client, service), [
      { table: 'public.item', description: 'it is made of type public.of_item' },
      { table: 'public.part', description: 'it is a partitioned table, not an ordinary table' },
    ])
  })
})

test('what came to rest on a table after its shadow was made keeps it from being replaced', async () => {
  await withReplayed(items, ITEM_TABLES, async (replayed) => {
    const fingerprint = await rebuild(replayed)
    await replayed.sql('CREATE VIEW names AS SELECT name FROM item')
    const { exitCode, message } = await failureOf(swapIn(replayed, fingerprint))
    assert.is(exitCode, 4)
    assert.is(
      message,
      'Table public.item cannot be replaced by its shadow (view public.names): remove that, run replay again, and make it anew afterwards.',
    )
    await replayed.sql('DROP VIEW names')
    await swapIn(replayed, fingerprint)
    assert.equal(await replayed.sql('SELECT count(*) FROM item'), ['20'])
  })
})

test.run()
