// deadline: 240 s
import { connect } from 'nats'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { CommandResult } from './run-command.ts'
import { runSql, succeed, withClient } from './shop.ts'
import { type Store, withConsumedStore, withoutPassword, withStore } from './store.ts'

type Environment = Readonly<Record<string, string>>

/** A replay that is refused: one sentence, and no data. */
async function refused(
  store: Store,
  args: readonly string[],
  { environment = {}, exitCode = 4 }: { readonly environment?: Environment; readonly exitCode?: number } = {},
): Promise<string> {
  const result = await store.run(['replay', ...args], environment)
  assert.is(result.exitCode, exitCode, result.stderr)
  assert.is(result.stdout, '')
  return sentenceOf(result)
}

function sentenceOf({ stderr }: CommandResult): string {
  const [, sentence = ''] = /(?:^|\n)scission: ([^\n]*)\n$/.exec(stderr) ?? []
  assert.match(sentence, /[.?]$/, stderr)
  // Whoever replays is not to run another verb again.
  assert.not.match(sentence, /(consume|verify) again/)
  return sentence
}

const DATE = String.raw`\d{4}-\d\d-\d\dT[\d:.]+Z`

test('names and flags that cannot be are refused before a server is asked', () =>
  withStore(async (store) => {
    const nowhere = {
      SALES_DATABASE_URL: 'postgres://sales:hidden@127.0.0.1:1/sales',
      NATS_URL: 'nats://127.0.0.1:1',
    }
    const INTO = ['--into', 'postgres://sales@127.0.0.1:1/other']
    const IN_PLACE = [['--no-swap'], ['--merge'], ['--overwrite'], ['--restart'], ['--discard'], ['--entity', 'Order']]
    const notBoth = (one: string, other: string): string =>
      `Give ${one} or ${other}, not both: ${one} is of the tables in use.`
    const cases: readonly (readonly [args: readonly string[], sentence: string])[] = [
      [['salse'], 'There is no service salse: the contract set store has sales, stock; did you mean sales?'],
      [['sales', '--entity', 'Ordre'], 'Service sales has no entity Ordre: it has Order, Line; did you mean Order?'],
      [['sales', '--entity', 'Wine'], 'Service sales has no entity Wine: it has Order, Line; did you mean Line?'],
      [['sales', '--entity', 'Tariff'], 'Service sales has no entity Tariff: it has Order, Line.'],
      [
        ['shop.sales.>'],
        `The subject shop.sales.> is not of the prefix ${store.prefix}: correct it, or SCISSION_PREFIX.`,
      ],
      [
        ['sales', ...INTO, '--dry-run'],
        'Give --into or --dry-run, not both: a dry run makes a scratch database of its own.',
      ],
      [
        ['sales', '--until', '0/1'],
        '--until rebuilds a service as it was, which is not for the tables in use: give --into or --dry-run with it.',
      ],
      ...IN_PLACE.flatMap(([flag = '', ...value]) => [
        [['sales', ...INTO, flag, ...value], notBoth(flag, '--into')] as const,
        [['sales', '--dry-run', flag, ...value], notBoth(flag, '--dry-run')] as const,
      ]),
      [
        ['sales', '--no-swap', '--merge'],
        'Give --no-swap or --merge, not both: --no-swap leaves the tables in use as they are.',
      ],
      [
        ['sales', '--discard', '--restart'],
        'Give --discard alone, without --restart: it removes an unfinished replay, and rebuilds nothing.',
      ],
      [
        ['sales', '--into', 'postgres://sales:hidden@127.0.0.1:1/other'],
        'The URL of --into has a password, which whoever lists processes would see: leave it out, and set PGPASSWORD, or use the password file (~/.pgpass).',
      ],
      ...['other', 'https://127.0.0.1/other', 'postgres://127.0.0.1'].map(
        (url) =>
          [
            ['sales', '--into', url],
            '--into must be the URL of a PostgreSQL database, without its password, such as postgres://user@host:5432/database.',
          ] as const,
      ),
      [
        ['sales', '--into', 'postgres://127.0.0.1:1/sales'],
        '--into leads to the database of service sales itself: give another one, or leave --into out to rebuild the tables in use.',
      ],
      [
        ['sales', '--dry-run', '--until', '2026-03-01T12:00:00'],
        '--until 2026-03-01T12:00:00 has no offset from UTC, so that it would be another time on another machine: add Z or an offset such as +01:00.',
      ],
    ]
    const left = [...cases]
    const work = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift())
        assert.is(await refused(store, next[0], { environment: nowhere, exitCode: 2 }), next[1])
    }
    await Promise.all([work(), work(), work()])
  }))

test('a service that has nothing to compare with is refused, with what comes first', () =>
  withStore(async (store) => {
    assert.is(
      await refused(store, ['sales']),
      `There is no stream ${store.prefix.toUpperCase()}_SALES: run prepare first.`,
    )
    await succeed(store.run(['prepare', '--yes']))
    const unpublished = `Stream ${store.prefix.toUpperCase()}_SALES holds no snapshot of service sales yet: run publish first.`
    const { PGPASSWORD, url } = withoutPassword(store.spare)
    for (const args of [['sales'], ['sales', '--dry-run']]) assert.is(await refused(store, args), unpublished)
    assert.is(await refused(store, ['sales', '--into', url], { environment: { PGPASSWORD } }), unpublished)
    assert.equal(await runSqlOf(store.spare, OBJECTS), [])
    await store.publish('lunch')
    const wayOut = 'run consume sales --until-caught-up, or rebuild it in another database with replay sales --into.'
    assert.is(await refused(store, ['sales']), `Service sales was never loaded: ${wayOut}`)
    await store.run(['consume', 'sales', '--until-caught-up'], { SCISSION_CRASH_POINT: 'consume-attempt-entered' })
    assert.is(await refused(store, ['sales']), `Service sales has not finished loading: ${wayOut}`)
    assert.equal(await runSqlOf(store.sales, LEFT), [])
  }))

const OBJECTS = `SELECT relname AS text FROM pg_class WHERE relnamespace IN ('public'::regnamespace, to_regnamespace('scission'))`
const LEFT = `SELECT nspname AS text FROM pg_namespace WHERE nspname LIKE 'scission\\_repla%' ORDER BY 1`

async function runSqlOf(url: string, sql: string): Promise<string[]> {
  return await withClient(url, async (client) =>
    (await client.query<{ text: string }>(sql)).rows.map(({ text }) => text),
  )
}

test('a point that the log does not have, and a database that cannot take the service, are refused and left as they are', () =>
  withConsumedStore(async (store) => {
    const { PGPASSWORD, url } = withoutPassword(store.spare)
    const environment = { PGPASSWORD }
    const until = async (point: string): Promise<string> =>
      await refused(store, ['sales', '--into', url, '--until', point], { environment })
    const isExactFrom = `its log is exact only from the consistency point \\S+ on, whose manifest was closed at ${DATE}; choose a later point\\.$`
    assert.match(
      await until('0/1'),
      new RegExp(`^Service sales cannot be rebuilt as of the position 0/1: ${isExactFrom}`),
    )
    assert.match(
      await until('2001-01-01T00:00:00Z'),
      new RegExp(`as of the time 2001-01-01T00:00:00.000000Z: ${isExactFrom}`),
    )
    const wayOut = 'let publish go on, or choose a marker or an earlier point\\.$'
    assert.match(
      await until('FFFF/1'),
      new RegExp(`^The log of service sales does not reach the position FFFF/1: it ends at \\S+; ${wayOut}`),
    )
    assert.match(
      await until('2101-01-01T00:00:00Z'),
      new RegExp(`the last transaction in it was committed at ${DATE}, and markers have no time; ${wayOut}`),
    )
    assert.is(
      await until('lucnh'),
      'The log of service sales has no marker "lucnh" in its present epoch, and has "lunch": choose a marker that it has, or another point.',
    )
    assert.match(await until('dinner'), /has no marker "dinner" in its present epoch: choose/)

    const into = async (place: string): Promise<string> =>
      await refused(store, ['sales', '--into', withoutPassword(place).url], { environment })
    const before = await runSqlOf(store.stock, OBJECTS)
    const taken = 'The database of --into cannot take service sales, and nothing was changed in it: give an empty one.'
    assert.is(
      await into(store.stock),
      `${taken} Its database belongs to service stock of the contract set store with the prefix ${store.prefix}.`,
    )
    assert.equal(await runSqlOf(store.stock, OBJECTS), before)
    assert.match(
      await into(store.monolith),
      `${taken} Table public."Order" is not empty, and its rows did not come from the log.`,
    )
    assert.match(await into(`${store.spare}_none`), 'has no database of that name: create it, or correct the URL.')
    assert.equal(await runSqlOf(store.spare, OBJECTS), [])

    const json = await succeed(store.run(['replay', 'sales', '--into', url, '--json'], environment))
    const rebuilt = JSON.parse(json.stdout) as Record<string, unknown>
    assert.equal(Object.keys(rebuilt), ['service', 'epoch', 'position', 'rows', 'seconds', 'steps'])
    assert.equal([rebuilt['service'], rebuilt['epoch'], rebuilt['rows']], ['sales', 1, 40])
    await store.publish('dinner', `UPDATE "Order" SET city = 'Rabat' WHERE id = 9`)
    await succeed(store.run(['replay', 'sales', '--into', url], environment))
    assert.match(
      await until('lunch'),
      /^The database of --into stands at \S+ already, which is behind the point: nothing takes a change back; give an empty database\.$/,
    )
  }))

test('rights that are missing are named, with those who have the tables', () =>
  withConsumedStore(async (store) => {
    const role = `role_${store.prefix}`
    await runSql(store.sales, [
      `CREATE ROLE ${role} LOGIN PASSWORD '${role}'`,
      `GRANT USAGE ON SCHEMA scission TO ${role}`,
      `GRANT ALL ON ALL TABLES IN SCHEMA scission TO ${role}`,
      `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`,
    ])
    try {
      const url = new URL(store.sales)
      ;[url.username, url.password] = [role, role]
      const environment = { SALES_DATABASE_URL: url.href }
      assert.match(
        await refused(store, ['sales'], { environment }),
        /^Service sales cannot be replayed by this role: CREATE on database \S+; CREATE on schema public; the rights of role postgres, which owns table public\."Line"; .*\. Grant that, or rebuild the service in another database with --into\.$/,
      )
      assert.match(
        await refused(store, ['sales', '--dry-run'], { environment }),
        /^The scratch database could not be made beside the database of service sales \(permission denied to create database\): let the role make databases \(ALTER ROLE … CREATEDB\), or give a database of your own with --into\.$/,
      )
      await runSql(store.sales, [`REVOKE USAGE ON SCHEMA scission FROM ${role}`])
      assert.match(
        await refused(store, ['sales'], { environment }),
        /permission denied for schema scission, SQLSTATE 42501\): use a role that owns the service's tables, then run replay again/,
      )
      assert.equal(await runSqlOf(store.sales, LEFT), [])
    } finally {
      await runSql(store.sales, [`DROP OWNED BY ${role}`, `DROP ROLE ${role}`])
    }
  }))

test('a log that is another, or gone, is refused, and nothing is made', () =>
  withConsumedStore(async (store) => {
    await succeed(publishAnew(store))
    const behind =
      'Service sales is at epoch 1, and its log at epoch 2: run consume sales --until-caught-up first, which brings it there by itself.'
    for (const args of [['sales'], ['sales', '--dry-run']]) assert.is(await refused(store, args), behind)
    await succeed(store.run(['consume', 'sales', '--until-caught-up']))
    await runSql(store.sales, [`UPDATE scission.checkpoint SET epoch_started_at = '2001-01-01T00:00:00.000Z'`])
    assert.match(
      await refused(store, ['sales']),
      new RegExp(
        `^Service sales was loaded from another log, whose epoch 2 began at 2001-01-01T00:00:00.000Z, than this one, whose epoch 2 began at ${DATE}: correct NATS_URL or SCISSION_PREFIX, or rebuild it in another database with replay sales --into\\.$`,
      ),
    )
    await deleteStream(store, `${store.prefix.toUpperCase()}_SALES`)
    assert.match(await refused(store, ['sales']), /^There is no stream \S+_SALES: run prepare first\.$/)
    assert.match(
      await refused(store, ['sales'], { environment: { NATS_URL: 'nats://127.0.0.1:1' } }),
      'NATS at 127.0.0.1:1 (NATS_URL) does not answer: check the host and the port',
    )
    assert.equal(await runSqlOf(store.sales, LEFT), [])
  }))

async function publishAnew(store: Store): Promise<CommandResult> {
  const publishing = store.start(['publish', '--new-epoch', '--until-marker', 'anew'], {
    NATS_SYNC_INTERVAL: 'always',
  })
  await publishing.waitFor('Follows the monolith from')
  await runSql(store.monolith, [`SELECT pg_logical_emit_message(true, 'scission', '${store.prefix} marker anew')`])
  return await publishing.ended
}

async function deleteStream({ environment }: Store, name: string): Promise<void> {
  const { host, password, username } = new URL(environment['NATS_URL'] ?? '')
  const connection = await connect({ servers: host, user: username, pass: password })
  try {
    await (await connection.jetstreamManager()).streams.delete(name)
  } finally {
    await connection.close()
  }
}

test.run()
