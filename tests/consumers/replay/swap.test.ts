// deadline: 120 s
import * as assert from 'uvu/assert'
import { test } from 'uvu'
import { dropReplaced, dropShadow } from '../../../consumers/replay/drop-schemas.ts'
import { shadowObjects } from '../../../consumers/replay/shadow-objects.ts'
import { createKeySql, createReferenceSql } from '../../../infra/service-database/ddl.ts'
import { failureOf } from '../with-service.ts'
import { items, withItems, withOther } from './item-service.ts'
import { rebuild, swapIn, withReplayed } from './replay-service.ts'

test('the new tables have what the old ones had in their rows, and their sequences go on', async () => {
  await withItems(async (replayed) => {
    const { sql, client, shadow } = replayed
    const fingerprint = await rebuild(replayed)
    await sql(`UPDATE scission_replay_1.item SET name = 'new'`, `INSERT INTO item VALUES (DEFAULT, 'unseen')`)
    let seen: unknown
    await swapIn(replayed, fingerprint, {}, async (session) => {
      seen = (await session.query('SELECT count(*) FROM scission_replaced_1.item')).rows
    })
    assert.equal(seen, [{ count: '21' }])
    assert.equal(await sql('SELECT DISTINCT name FROM item'), ['new'])
    assert.equal(await sql(`INSERT INTO item (name) VALUES ('next') RETURNING id`), ['22'])
    assert.equal(await sql(`INSERT INTO part (item) VALUES (1) RETURNING id`), ['21'])
    assert.equal(await sql(`SELECT pg_get_serial_sequence('part', 'id'), pg_get_serial_sequence('item', 'id')`), [
      'public.part_id_seq|public.item_id_seq',
    ])
    await dropReplaced(client, shadow.schemas)
    await dropReplaced(client, shadow.schemas)
    assert.equal(await sql(`SELECT nspname FROM pg_namespace WHERE nspname LIKE 'scission%'`), ['scission_replay_1'])
    await dropShadow(client, shadow.schemas)
    assert.equal(await sql(`SELECT nspname FROM pg_namespace WHERE nspname LIKE 'scission%'`), [])
    assert.equal(await sql(`INSERT INTO part (item) VALUES (1) RETURNING id`), ['22'])
  })
})

test('an identity column of which the shadow is further does not go back', async () => {
  await withItems(async (replayed) => {
    const fingerprint = await rebuild(replayed)
    await replayed.sql(`SELECT setval('scission_replay_1.item_id_seq', 500)`)
    await swapIn(replayed, fingerprint)
    assert.equal(await replayed.sql(`INSERT INTO item (name) VALUES ('next') RETURNING id`), ['501'])
  })
})

test('where what comes along with the swap fails, nothing has happened', async () => {
  await withItems(async (replayed) => {
    const fingerprint = await rebuild(replayed)
    const swapped = swapIn(replayed, fingerprint, {}, async () => {
      throw new Error('not now')
    })
    assert.is(await swapped.catch((error: unknown) => String(error)), 'Error: not now')
    assert.equal(await replayed.sql(`SELECT 'item'::regclass::oid < 'scission_replay_1.item'::regclass::oid`), ['t'])
    await swapIn(replayed, fingerprint)
    assert.equal(await replayed.sql(`SELECT 'item'::regclass::oid > 'scission_replaced_1.item'::regclass::oid`), ['t'])
  })
})

test('where the session is cut off in the middle, nothing has happened', async () => {
  await withItems(async (replayed) => {
    const fingerprint = await rebuild(replayed)
    await withOther(replayed.url, async (client) => {
      const swapped = swapIn({ ...replayed, client }, fingerprint, {}, async (session) =>
        session.query('SELECT pg_terminate_backend(pg_backend_pid())'),
      )
      assert.match(await swapped.then(String, String), /terminating connection/)
    })
    assert.equal(await replayed.sql(`SELECT to_regclass('scission_replaced_1.item'), count(*) FROM item`), ['|20'])
    await swapIn(replayed, fingerprint)
    assert.equal(await replayed.sql('SELECT count(*) FROM item'), ['20'])
  })
})

test('a table that was altered since is not replaced', async () => {
  for (const alteration of [
    'ALTER TABLE item ADD more integer',
    'ALTER TABLE item ALTER name DROP NOT NULL',
    'CREATE INDEX item_name ON item (name)',
    'ALTER TABLE item ALTER id SET INCREMENT 2',
    'ALTER TABLE item SET (fillfactor = 50)',
  ])
    await withItems(async (replayed) => {
      const fingerprint = await rebuild(replayed)
      await replayed.sql(alteration)
      const { exitCode, message } = await failureOf(swapIn(replayed, fingerprint))
      assert.is(exitCode, 4)
      assert.is(
        message,
        'Table public.item was altered since its shadow was made, so that it was not replaced: run replay --restart, which makes the shadow anew.',
      )
    })
})

test('a shadow that lacks an index is not put in place', async () => {
  await withItems(async (replayed) => {
    const fingerprint = await rebuild(replayed)
    await replayed.sql('ALTER TABLE scission_replay_1.part DROP CONSTRAINT part_pkey')
    const { exitCode, message } = await failureOf(swapIn(replayed, fingerprint))
    assert.is(exitCode, 4)
    assert.match(
      message,
      /^Table public\.part was not replaced, since its shadow is not yet as it is \(it lacks constraint part_pkey PRIMARY KEY \(id\)\): /,
    )
  })
})

test('grants, policies and triggers that came after the finishing come along', async () => {
  await withItems(async (replayed) => {
    const fingerprint = await rebuild(replayed)
    await replayed.sql(
      'GRANT SELECT ON item TO PUBLIC',
      `CREATE POLICY late ON item USING (name <> '')`,
      `CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
      'CREATE TRIGGER late AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION touch()',
    )
    await swapIn(replayed, fingerprint)
    assert.equal(
      await replayed.sql(
        `SELECT has_table_privilege('pg_read_all_settings', 'item', 'SELECT'), count(DISTINCT polname), count(DISTINCT tgname)
           FROM pg_policy JOIN pg_trigger ON tgrelid = polrelid AND NOT tgisinternal WHERE polrelid = 'item'::regclass`,
      ),
      ['t|1|1'],
    )
  })
})

test('tables that are missing are put in place as the contract has them', async () => {
  await withReplayed(items, [], async (replayed) => {
    const { sql, client, shadow } = replayed
    const fingerprint = await rebuild(replayed)
    assert.equal(await shadowObjects(client, replayed.service, shadow), [])
    const [item, part] = shadow.service.entities
    const [reference] = part?.references ?? []
    assert.ok(item && part && reference)
    await sql(createKeySql(item), createKeySql(part), createReferenceSql(shadow.service, part, reference))
    await swapIn(replayed, fingerprint)
    await sql(`INSERT INTO item (name) VALUES ('first')`, 'INSERT INTO part VALUES (1, 1)')
    assert.equal(
      await sql(`SELECT conrelid::regclass, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'`),
      ['part|FOREIGN KEY (item) REFERENCES item(id) ON UPDATE CASCADE ON DELETE CASCADE'],
    )
  })
})

test('foreign keys from and to other tables bind the new rows alone, and are valid afterwards', async () => {
  const others = [
    'CREATE TABLE region (id integer PRIMARY KEY)',
    'INSERT INTO region VALUES (1), (2)',
    'ALTER TABLE item ADD region integer DEFAULT 1 REFERENCES region',
    'CREATE TABLE note (item integer REFERENCES item)',
    'CREATE TABLE parted (id integer PRIMARY KEY) PARTITION BY RANGE (id)',
    'CREATE TABLE parted_one PARTITION OF parted FOR VALUES FROM (0) TO (100)',
    'INSERT INTO parted VALUES (1)',
    'ALTER TABLE part ADD parted integer DEFAULT 1 REFERENCES parted',
    'INSERT INTO note VALUES (1)',
  ]
  await withItems(async (replayed) => {
    const { sql } = replayed
    const fingerprint = await rebuild(replayed)
    await sql('UPDATE scission_replay_1.item SET region = 2')
    const validations = await swapIn(replayed, fingerprint)
    assert.equal(validations, [
      'ALTER TABLE public.item VALIDATE CONSTRAINT item_region_fkey',
      'ALTER TABLE public.note VALIDATE CONSTRAINT note_item_fkey',
      'ALTER TABLE public.part VALIDATE CONSTRAINT part_parted_fkey',
    ])
    await sql('DELETE FROM region WHERE id = 1', ...validations)
    assert.equal(
      await sql(`SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 AND NOT convalidated`),
      ['0'],
    )
    assert.match(
      await sql('DELETE FROM item WHERE id = 1').then(String, String),
      /violates foreign key constraint "note_item_fkey"/,
    )
  }, others)
})

test('an invalid index and a foreign key with disabled triggers are refused by name', async () => {
  await withItems(async ({ client, service, shadow, sql }) => {
    await sql('ALTER TABLE part DISABLE TRIGGER ALL')
    const disabled = await failureOf(shadowObjects(client, service, shadow))
    assert.is(disabled.exitCode, 4)
    assert.match(disabled.message, /^Foreign key part_item_fkey of table public\.part has disabled triggers, /)
    await sql(`UPDATE item SET name = 'same'`)
    await sql('CREATE UNIQUE INDEX CONCURRENTLY broken ON item (name)').catch(() => undefined)
    const broken = await failureOf(shadowObjects(client, service, shadow))
    assert.is(broken.exitCode, 4)
    assert.match(broken.message, /^Index broken of table public\.item is invalid, so that it cannot be rebuilt: /)
  })
})

test('a shadow is not made where there is one, nor are schemas dropped that hold anything else', async () => {
  await withItems(async (replayed) => {
    const { client, shadow, sql } = replayed
    await rebuild(replayed)
    const { exitCode, message } = await failureOf(rebuild(replayed))
    assert.is(exitCode, 4)
    assert.match(message, /^Schema scission_replay_1 exists already, /)
    await sql('CREATE VIEW outside AS SELECT * FROM scission_replay_1.item')
    const held = await failureOf(dropShadow(client, shadow.schemas))
    assert.is(held.exitCode, 4)
    assert.is(
      held.message,
      'Schema scission_replay_1 cannot be removed (view public.outside depends on table scission_replay_1.item): drop that, then run it again.',
    )
    await sql('DROP VIEW outside')
    await dropShadow(client, shadow.schemas)
    await dropShadow(client, shadow.schemas)
  })
})

test.run()
