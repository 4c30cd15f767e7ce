// deadline: 240 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { CommandResult } from './run-command.ts'
import { runSql, succeed, withClient } from './shop.ts'
import { type Store, withConsumedStore } from './store.ts'

async function textsOf(url: string, sql: string): Promise<string[]> {
  return await withClient(url, async (client) =>
    (await client.query<{ text: string }>(sql)).rows.map(({ text }) => text),
  )
}

const LEFT = `SELECT nspname AS text FROM pg_namespace WHERE nspname LIKE 'scission\\_repla%' ORDER BY 1`
const ROWS = `SELECT concat_ws('|', id, city) AS text FROM "Order" ORDER BY id`
const LINES = `SELECT concat_ws('|', id, "of") AS text FROM "Line" ORDER BY id`

async function assertAsMonolith({ monolith, sales }: Store): Promise<void> {
  for (const sql of [ROWS, LINES]) assert.equal(await textsOf(sales, sql), await textsOf(monolith, sql))
  assert.equal(await textsOf(sales, LEFT), [])
}

/** Lines are broken where they come to the end of a terminal. */
const inOneLine = (text: string): string => text.replaceAll(/\s+/g, ' ')

function jsonOf({ stdout }: CommandResult): Record<string, unknown> {
  return JSON.parse(stdout) as Record<string, unknown>
}

const OUTCOME = ['service', 'entities', 'ending', 'epoch', 'position', 'tables', 'seconds', 'steps']
const TABLE = ['entity', 'rebuilt', 'equal', 'present', 'differences']

interface Table {
  readonly entity: string
  readonly equal: boolean
  readonly differences: { readonly total: number; readonly rows: readonly { readonly kind: string }[] }
}

test('what a service wrote itself is named and kept, unless it is given up; what is empty or gone comes back', () =>
  withConsumedStore(async (store) => {
    await runSql(store.sales, [`UPDATE "Order" SET city = 'Own' WHERE id = 7`, 'DELETE FROM "Line" WHERE id = 3'])
    const own = await textsOf(store.sales, ROWS)
    const told = await store.run(['replay', 'sales', '--json'])
    assert.is(told.exitCode, 3, told.stderr)
    const outcome = jsonOf(told)
    assert.equal([Object.keys(outcome), outcome['ending']], [OUTCOME, 'different'])
    const tables = outcome['tables'] as Table[]
    for (const table of tables) assert.equal(Object.keys(table), TABLE)
    assert.equal(
      tables.map(({ differences, entity, equal }) => [entity, equal, differences.total, differences.rows[0]?.kind]),
      [
        ['Order', false, 1, 'different'],
        ['Line', false, 1, 'missing'],
      ],
    )
    const again = await store.run(['replay', 'sales'])
    assert.is(again.exitCode, 3)
    assert.match(again.stdout, '- id "7": city is "Own", and "city 7" in the log (from character 1 on)')
    assert.match(inOneLine(again.stdout), 'NOT replaced: 2 of 2 tables of service sales differ from the log')
    assert.match(again.stderr, /^sales: going on with the replay that was begun at \S+Z$/m)

    const dry = await store.run(['replay', 'sales', '--dry-run', '--json'])
    assert.is(dry.exitCode, 3, dry.stderr)
    const found = jsonOf(dry)
    const names = 'service epoch position rows seconds ownPosition equal tables steps'
    assert.is(Object.keys(found).join(' '), names)
    assert.equal([found['equal'], found['position']], [false, found['ownPosition']])
    assert.equal(await textsOf(store.sales, ROWS), own)

    await succeed(store.run(['replay', 'sales', '--overwrite']))
    await assertAsMonolith(store)
    await runSql(store.sales, ['TRUNCATE "Line"'])
    assert.match((await succeed(store.run(['replay', 'sales']))).stderr, 'sales: swapped: the new tables are in use')
    await assertAsMonolith(store)
    await runSql(store.sales, ['DROP TABLE "Line"'])
    const preflight = await store.run(['preflight'])
    assert.match(inOneLine(preflight.stdout), 'Table public."Line" was loaded from the log, and is gone. Rebuild it')
    await succeed(store.run(['replay', 'sales']))
    await assertAsMonolith(store)
    const equal = await succeed(store.run(['replay', 'sales', '--dry-run']))
    assert.match(inOneLine(equal.stdout), /Equal: 2 tables of service sales are what the log as of \S+ says/)
  }))

test('a replay that was killed is told of by all verbs, kept from what would trip over it, gone on with, or removed', () =>
  withConsumedStore(async (store) => {
    const kill = async (): Promise<void> => {
      const killed = await store.run(['replay', 'sales'], { SCISSION_CRASH_POINT: 'replay-loaded' })
      assert.match(killed.stderr, 'Crash point replay-loaded, passing 1\n')
    }
    await kill()
    const refused = async (args: readonly string[]): Promise<string> => {
      const { exitCode, stderr, stdout } = await store.run(args)
      assert.equal([exitCode, stdout], [4, ''], stderr)
      return stderr
    }
    assert.match(
      await refused(['replay', 'sales', '--entity', 'Order']),
      /^scission: A replay of the entities Order, Line of service sales was begun at \S+Z and is not ended: end it by running it again as it was, or remove its tables with replay sales --discard\.\n$/,
    )
    for (const flag of ['--dry-run', '--yes'])
      assert.is(
        await refused(['cancel', '--with-services', flag]),
        'scission: A replay of service sales was begun and not ended: remove it with replay sales --discard, then cancel again. Nothing was changed.\n',
      )
    assert.match(
      await refused(['parked', 'add', 'sales', '0/1']),
      'A replay of service sales was begun and not ended, and puts its own in the place of what is parked',
    )
    const said = 'A replay of service sales was begun and not ended: run replay sales, or replay sales --discard.'
    for (const verb of ['lag', 'status']) assert.match((await succeed(store.run([verb]))).stdout, said)
    const { services } = jsonOf(await succeed(store.run(['lag', '--json']))) as { services: { replay: unknown }[] }
    assert.equal(
      services.map(({ replay }) => replay),
      ['unfinished', null],
    )
    for (const args of [['verify'], ['preflight'], ['prepare', '--yes']]) await succeed(store.run(args))

    // Its consumer may go on beside it.
    await store.publish('dinner', `UPDATE "Order" SET city = 'Rabat' WHERE id = 9`)
    await succeed(store.run(['consume', 'sales', '--until-caught-up']))
    const kept = await succeed(store.run(['replay', 'sales', '--no-swap', '--json']))
    assert.equal([Object.keys(jsonOf(kept)), jsonOf(kept)['ending']], [OUTCOME, 'kept'])
    assert.match(
      (await succeed(store.run(['replay', 'sales', '--restart']))).stderr,
      'sales: loaded: 40 rows in 2 tables',
    )
    await assertAsMonolith(store)

    await kill()
    assert.equal(jsonOf(await succeed(store.run(['replay', 'sales', '--discard', '--json']))), {
      service: 'sales',
      discarded: true,
    })
    await assertAsMonolith(store)
  }))

test('what is somebody else’s is not touched, and what rests on the tables is named, where --merge serves', () =>
  withConsumedStore(async (store) => {
    await runSql(store.sales, ['CREATE SCHEMA scission_replay_1', 'CREATE TABLE scission_replay_1.theirs (id int)'])
    const taken = await store.run(['replay', 'sales', '--restart'])
    assert.equal(
      [taken.exitCode, taken.stderr],
      [
        4,
        'scission: Schema scission_replay_1 exists already, and no unfinished replay has made it, so that no shadow can be made in it: drop or rename it, then run replay sales again.\n',
      ],
    )
    const none = await succeed(store.run(['replay', 'sales', '--discard']))
    assert.is(none.stdout, 'No replay of service sales was unfinished: nothing was changed.\n')
    await runSql(store.sales, [
      'DROP TABLE scission_replay_1.theirs',
      'DROP SCHEMA scission_replay_1',
      'CREATE VIEW cities AS SELECT city FROM "Order"',
    ])
    const rests = await store.run(['replay', 'sales'])
    assert.equal(
      [rests.exitCode, rests.stderr],
      [
        4,
        'scission: Tables of service sales cannot be replaced, since other objects rest on them and would go on meaning the old ones: view public.cities (on public."Order"). Drop these and make them again afterwards, or run replay sales --merge, which changes only the rows that differ.\n',
      ],
    )
    await runSql(store.sales, ['DELETE FROM "Line"', `UPDATE "Order" SET city = 'Own' WHERE id = 1`])
    const merged = await succeed(store.run(['replay', 'sales', '--merge', '--overwrite', '--json']))
    assert.equal([Object.keys(jsonOf(merged)), jsonOf(merged)['ending']], [OUTCOME, 'merged'])
    assert.match(merged.stderr, 'sales: merged: 20 rows inserted, 1 row updated, 0 rows deleted')
    await assertAsMonolith(store)
  }))

test('one at a time: a consumer and another replay are refused while one runs, and Ctrl-C leaves what goes on', () =>
  withConsumedStore(async (store) => {
    await withClient(store.sales, async (locker) => {
      await locker.query('BEGIN; LOCK TABLE "Order" IN ACCESS EXCLUSIVE MODE')
      const running = store.start(['replay', 'sales'])
      while ((await textsOf(store.sales, WAITING)).length === 0);
      const isRunning =
        /^scission: A replay of service sales is running \(scission replay sales .*\): let it finish, or end it; it goes on when it is run again\.\n$/
      for (const args of [
        ['replay', 'sales'],
        ['replay', 'sales', '--discard'],
        ['consume', 'sales'],
      ]) {
        const { exitCode, stderr } = await store.run(args)
        assert.is(exitCode, 4)
        assert.match(stderr, isRunning)
      }
      const { services } = jsonOf(await succeed(store.run(['lag', '--json']))) as {
        services: Record<string, unknown>[]
      }
      assert.equal([services[0]?.['replay'], services[0]?.['isConsumed']], ['running', false])
      assert.match(
        (await store.run(['cancel', '--with-services', '--dry-run'])).stderr,
        'A consumer or a replay of service sales runs on the database of service sales: end it, then cancel again.',
      )
      running.kill('SIGINT')
      assert.is((await running.ended).exitCode, 130)
      await locker.query('ROLLBACK')
    })
    await succeed(store.run(['replay', 'sales']))
    await assertAsMonolith(store)
    const consumer = store.start(['consume', 'sales'])
    await consumer.waitFor('is complete')
    for (const args of [
      ['replay', 'sales'],
      ['replay', 'sales', '--dry-run'],
    ]) {
      const { exitCode, stderr } = await store.run(args)
      assert.is(exitCode, 4)
      assert.match(
        stderr,
        /^scission: A consumer of service sales is running \(scission consume sales .*\): end it, and start it again when the replay has ended\.\n$/,
      )
    }
    consumer.kill('SIGINT')
    assert.is((await consumer.ended).exitCode, 130)
  }))

const WAITING = `SELECT pid::text AS text FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name LIKE 'scission replay sales%'`

test.run()
