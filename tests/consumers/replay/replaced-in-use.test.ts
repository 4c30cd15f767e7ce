// deadline: 120 s
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import * as assert from 'uvu/assert'
import { test } from 'uvu'
import { dropReplaced, dropShadow } from '../../../consumers/replay/drop-schemas.ts'
import { failureOf } from '../with-service.ts'
import { withItems, withOther } from './item-service.ts'
import { rebuild, swapIn } from './replay-service.ts'

const PATIENCE = { lockTimeoutMs: 100, attempts: 3, pauseMs: 50 }

/** Reads and writes by prepared statements until it is told to end; any error is its result. */
async function useTables(client: pg.Client, name: string, isOver: () => boolean): Promise<number> {
  let count = 0
  for (; !isOver(); count++) {
    await client.query({ name: 'all', text: 'SELECT * FROM public.item' })
    const id = String((count % 20) + 1)
    const { rows } = await client.query({ name: 'one', text: 'SELECT * FROM public.item WHERE id = $1', values: [id] })
    assert.is(rows.length, 1)
    await client.query({ name: 'write', text: 'INSERT INTO public.item (name) VALUES ($1)', values: [name] })
    await client.query('BEGIN')
    await client.query({ name: 'part', text: 'SELECT * FROM public.part WHERE item = $1 FOR SHARE', values: [id] })
    await client.query({
      name: 'join',
      text: 'SELECT * FROM public.item JOIN public.part ON item.id = part.item LIMIT 5',
    })
    await client.query({ name: 'add', text: 'INSERT INTO public.part (item) VALUES ($1)', values: [id] })
    await client.query('COMMIT')
  }
  return count
}

test('who reads and writes by prepared statements meets no error while tables are replaced again and again', async () => {
  await withItems(
    async (replayed) => {
      const { url, client, shadow } = replayed
      await withOther(url, async (one) =>
        withOther(url, async (other) => {
          let isOver = false
          const users = [useTables(one, 'one', () => isOver), useTables(other, 'other', () => isOver)]
          for (let round = 0; round < 3; round++) {
            const fingerprint = await rebuild(replayed)
            await swapIn(replayed, fingerprint)
            await sleep(100)
            await dropReplaced(client, shadow.schemas)
            await dropShadow(client, shadow.schemas)
          }
          isOver = true
          const counts = await Promise.all(users)
          assert.ok(
            counts.every((count) => count > 3),
            counts.join(),
          )
        }),
      )
    },
    // Its places of columns are not those of a new table.
    ['ALTER TABLE item ADD gone text, ADD more text DEFAULT 1', 'ALTER TABLE item DROP gone'],
  )
})

const FUNCTIONS = [
  `CREATE FUNCTION read_row(wanted integer) RETURNS text LANGUAGE plpgsql AS $$
     DECLARE row public.item%ROWTYPE; name public.item.name%TYPE; found record; texts text := '';
     BEGIN
       SELECT * INTO row FROM public.item WHERE id = wanted;
       SELECT item.name INTO name FROM public.item WHERE id = wanted;
       FOR found IN SELECT * FROM public.item WHERE id = wanted LOOP texts := texts || found.name; END LOOP;
       FOR row IN SELECT * FROM public.item WHERE id = wanted LOOP texts := texts || row.name; END LOOP;
       INSERT INTO public.item (name) VALUES (name) RETURNING * INTO row;
       row.name := 'changed';
       UPDATE public.item SET name = row.name WHERE id = row.id;
       RETURN texts;
     END $$`,
  'CREATE FUNCTION count_parts(integer) RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM public.part WHERE item = $1 $$',
  `CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN NEW.name := NEW.name || OLD.name; RETURN NEW; END $$`,
  'CREATE TRIGGER touching BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION touch()',
]

test('functions that a session has run before go on with the new tables, and without the old ones', async () => {
  await withItems(async (replayed) => {
    const { client, shadow, url } = replayed
    await withOther(url, async (session) => {
      const call = {
        name: 'call',
        text: 'SELECT public.read_row($1) AS row, public.count_parts($1) AS parts',
        values: ['3'],
      }
      const text = { row: 'item 3item 3', parts: '1' }
      assert.equal((await session.query(call)).rows, [text])
      for (let round = 0; round < 2; round++) {
        await swapIn(replayed, await rebuild(replayed))
        assert.equal((await session.query(call)).rows, [text])
        await dropReplaced(client, shadow.schemas)
        await dropShadow(client, shadow.schemas)
        assert.equal((await session.query(call)).rows, [text])
      }
    })
  }, FUNCTIONS)
})

test('a lock that is held is waited for, and its holder is named in the end', async () => {
  await withItems(async (replayed) => {
    const fingerprint = await rebuild(replayed)
    await withOther(replayed.url, async (other) => {
      await other.query('BEGIN')
      await other.query('SELECT FROM public.part')
      const { exitCode, message } = await failureOf(swapIn(replayed, fingerprint, { patience: PATIENCE }))
      assert.is(exitCode, 4)
      assert.match(
        message,
        /^Table public\.part of the database of service sales is locked by PostgreSQL process \d+ \(application "scission other .*", idle in transaction, .*\), so that the replayed tables of service sales could not be put in place in 3 tries of 0\.1 s: /,
      )
      const swapped = swapIn(replayed, fingerprint, { patience: { ...PATIENCE, attempts: 100 } })
      await sleep(400)
      await other.query('COMMIT')
      await swapped
    })
  })
})

test('a sequence that an open transaction has drawn from is waited for, and its holder is named', async () => {
  await withItems(async (replayed) => {
    const fingerprint = await rebuild(replayed)
    await withOther(replayed.url, async (other) => {
      await other.query('BEGIN')
      await other.query(`SELECT nextval('public.part_id_seq')`)
      const { message } = await failureOf(swapIn(replayed, fingerprint, { patience: PATIENCE }))
      assert.match(
        message,
        /^Table public\.part_id_seq of the database of service sales is locked by PostgreSQL process /,
      )
      await other.query('COMMIT')
      await swapIn(replayed, fingerprint)
      assert.equal(await replayed.sql('INSERT INTO part (item) VALUES (1) RETURNING id'), ['22'])
    })
  })
})

test('who would deadlock with the swap goes on, and the swap tries again', async () => {
  await withItems(async (replayed) => {
    const fingerprint = await rebuild(replayed)
    await withOther(replayed.url, async (other) => {
      await other.query('BEGIN')
      await other.query('SELECT FROM public.part')
      const swapped = swapIn(replayed, fingerprint, { patience: { lockTimeoutMs: 700, attempts: 20, pauseMs: 200 } })
      // By then the swap holds item and waits for part.
      await sleep(300)
      await other.query('SELECT FROM public.item')
      await other.query('COMMIT')
      await swapped
    })
  })
})

test('a snapshot that is older than the loading finds an empty table', async () => {
  await withItems(async (replayed) => {
    await withOther(replayed.url, async (other) => {
      await other.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
      await other.query('SELECT FROM pg_class')
      await swapIn(replayed, await rebuild(replayed))
      assert.equal((await other.query('SELECT count(*) FROM public.item')).rows, [{ count: '0' }])
      await other.query('COMMIT')
    })
  })
})

test.run()
