// deadline: 300 s
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cancel } from '../../infra/cancel/cancel.ts'
import { publisherLockName } from '../../infra/prepare/names.ts'
import { publishSnapshot } from '../../publisher/publish-snapshot.ts'
import { typeScriptFlags } from '../runner/typescript-loader.ts'
import { assertWhole, bankRows } from './bank-checks.ts'
import { crashAt } from './killed-publisher.ts'
import { type Bank, keepersOf, untilTrue, watchFor, withBank } from './with-bank.ts'
import { failureOf, inTime } from './with-log.ts'

const PROGRAM = fileURLToPath(new URL('publish-until-killed.ts', import.meta.url))
const KEPT = { withoutKeeper: false }

/** Holds a publication before it reads `Purse`, with its keeper beside it. */
async function withHeld(
  bank: Bank,
  use: (release: () => Promise<unknown>, publishing: Promise<unknown>, abort: AbortController) => Promise<void>,
  timing: { keeperLeaveMs?: number } = {},
): Promise<void> {
  const [locker, abort] = [await bank.session(), new AbortController()]
  await locker.query('BEGIN')
  const publishing = bank.publish({ ...KEPT, timing, signal: abort.signal }, ({ type }) => {
    if (type === 'snapshot-planned') void locker.query('LOCK TABLE "Purse" IN ACCESS EXCLUSIVE MODE')
  })
  const settled = publishing.catch(() => undefined)
  await untilTrue(
    bank.client,
    `EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = '"Purse"'::regclass)`,
    20_000,
  )
  assert.is((await keepersOf(bank)).length, 1)
  const release = async (): Promise<unknown> => await locker.query('ROLLBACK')
  try {
    await use(release, publishing, abort)
  } finally {
    await release()
    await settled
  }
}

/** It may say before what it waits for. */
async function untilSaid(output: Readable, words: string): Promise<void> {
  let said = ''
  for await (const text of output.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    said += String(text)
    if (said.includes(words)) break
  }
  assert.match(said, words)
  output.resume()
}

async function untilGone(bank: Bank): Promise<number> {
  const began = Date.now()
  while ((await keepersOf(bank)).length > 0) {
    if (Date.now() - began > 20_000) throw new Error('The keeper stays')
    await sleep(50)
  }
  return Date.now() - began
}

test('a keeper stays while a publisher is there, however long, and ends with the last chunk', () =>
  withBank({}, async (bank) => {
    await withHeld(
      bank,
      async (release, publishing) => {
        await sleep(3_000)
        assert.is((await keepersOf(bank)).length, 1)
        await release()
        await inTime(20_000, publishing)
        assert.equal(await keepersOf(bank), [])
      },
      { keeperLeaveMs: 1_000 },
    )
    await assertWhole(bank, 1)
  }))

test('a clean end takes the keeper along', () =>
  withBank({}, async (bank) => {
    await withHeld(bank, async (_release, publishing, abort) => {
      abort.abort(new Error('enough'))
      assert.match(
        String(
          await inTime(
            10_000,
            publishing.catch((error: unknown) => error),
          ),
        ),
        'enough',
      )
      assert.ok((await untilGone(bank)) < 5_000)
    })
  }))

test("a clean end takes a dead publisher's keeper along, also before its snapshot is gone on with", () =>
  withBank({}, async (bank) => {
    await crashAt(bank, 'publish-attempt-stored')
    assert.is((await keepersOf(bank)).length, 1)
    const [locker, abort] = [await bank.session(), new AbortController()]
    await locker.query('BEGIN; LOCK TABLE "Purse" IN ACCESS EXCLUSIVE MODE')
    const publishing = bank.publish({ signal: abort.signal }).catch((error: unknown) => error)
    await untilTrue(bank.client, `EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = '"Purse"'::regclass)`)
    abort.abort(new Error('enough'))
    assert.match(String(await inTime(10_000, publishing)), 'enough')
    await untilGone(bank)
    await locker.query('ROLLBACK')
  }))

test('cancel ends the keeper that a dead publisher left', () =>
  withBank({}, async (bank) => {
    await crashAt(bank, 'publish-attempt-stored')
    const [pid = ''] = await keepersOf(bank)
    const { monolith, nats, prefix, set } = bank.dependencies
    const deployment = { set, prefix, monolith, nats, services: [], replicas: 1 }
    const steps = await cancel(deployment, { withLog: false, withServices: false, dryRun: false })
    const [first] = steps
    assert.equal(
      [first?.action, first?.outcome],
      [`end the keeper of the snapshot (PostgreSQL process ${pid})`, 'done'],
    )
    assert.equal(await keepersOf(bank), [])
  }))

test('a new epoch ends the keeper of the one before', () =>
  withBank({}, async (bank) => {
    await crashAt(bank, 'publish-attempt-stored')
    assert.is((await keepersOf(bank)).length, 1)
    await bank.publish({ newEpoch: true })
    assert.equal(await keepersOf(bank), [])
    await assertWhole(bank, 2)
  }))

test('a keeper whose session was ended is replaced by a new snapshot', () =>
  withBank({}, async (bank) => {
    await crashAt(bank, 'publish-attempt-stored:3')
    assert.is(await bank.terminate('keeper'), 1)
    await bank.client.query(`UPDATE "Purse" SET note = 'later'`)
    await bank.publish(KEPT)
    await assertWhole(bank, 1)
  }))

test('a terminal that ends its whole process group does not end the keeper, and shows no password', () =>
  withBank({ rows: 12_000, noteBytes: 1_200 }, async (bank) => {
    const before = { Account: await bankRows(bank, 'Account'), Purse: await bankRows(bank, 'Purse') }
    const { nats, prefix } = bank.dependencies
    // Slow enough that it is in the middle of its snapshot for some seconds.
    const given = [prefix, bank.url, nats.url, 'slot', '2', '3000000']
    const child = spawn(process.execPath, [...typeScriptFlags(), PROGRAM, ...given], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    await untilSaid(child.stdout, '"type":"page-stored"')
    assert.is((await keepersOf(bank)).length, 1)
    assert.not.match(await commandLineOfKeeper(bank), new URL(bank.url).password)
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT')
    await exited
    assert.is((await keepersOf(bank)).length, 1)
    await bank.client.query(`UPDATE "Account" SET note = 'later'; UPDATE "Purse" SET note = 'later'`)
    await bank.publish(KEPT)
    await assertWhole(bank, 1, before)
  }))

test('where no keeper can be put on record, publish says so once and goes on without it', () =>
  withBank({ withSlot: false }, async (bank) => {
    const role = `clerk_${bank.dependencies.prefix}`
    await bank.client.query(
      `CREATE ROLE ${role} LOGIN PASSWORD 'open'; GRANT pg_read_all_data TO ${role};
       GRANT EXECUTE ON FUNCTION pg_control_system(), pg_control_checkpoint() TO ${role}`,
    )
    try {
      const url = Object.assign(new URL(bank.url), { username: role, password: 'open' }).href
      const monolith = { ...bank.dependencies.monolith, url }
      const options = { withSlot: false, newEpoch: false, readers: 1, pageBytes: 8_192, maxOutageMs: 5_000 }
      const { watch, notices } = watchFor('notice')
      const signal = new AbortController().signal
      const outcome = await publishSnapshot({ ...bank.dependencies, monolith }, { ...options, signal }, watch)
      assert.is(outcome.outcome, 'closed')
      const told = notices.filter((text) => text.startsWith('No keeper holds the snapshot'))
      assert.is(told.length, 1)
      assert.match(told[0] ?? '', /permission denied for database .*\): should publish be killed, the next run takes/)
      assert.equal(await keepersOf(bank), [])
      await assertWhole(bank, 1)
    } finally {
      await bank.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
    }
  }))

test('an orphan that nobody comes for leaves by itself', () =>
  withBank({}, async (bank) => {
    const failing = failureOf(
      bank.publish({ ...KEPT, maxOutageMs: 6_000, timing: { keeperLeaveMs: 5_000 } }, ({ type }) => {
        if (type === 'epoch-begun') void bank.client.query('BEGIN; LOCK TABLE "Purse" IN ACCESS EXCLUSIVE MODE')
      }),
    )
    // It gives up the locked table; its keeper stays for the next run, which does not come.
    assert.is((await failing).exitCode, 5)
    await bank.client.query('ROLLBACK')
    assert.is((await keepersOf(bank)).length, 1)
    // Whoever looks at the slot again and again is no publisher.
    const looker = await bank.session()
    await looker.query('SELECT pg_advisory_lock_shared(hashtextextended($1, 0))', [
      publisherLockName(bank.dependencies.prefix),
    ])
    await untilGone(bank)
    await looker.query('SELECT pg_advisory_unlock_all()')
    await bank.publish(KEPT)
    await assertWhole(bank, 1)
  }))

/** Its session's name ends with the number of its process on this machine. */
async function commandLineOfKeeper({ client, dependencies }: Bank): Promise<string> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT application_name AS name FROM pg_stat_activity WHERE starts_with(application_name, $1)`,
    [`scission keeper ${dependencies.prefix} (`],
  )
  const pid = / (\d+)\)$/.exec(rows[0]?.name ?? '')?.[1] ?? ''
  assert.ok((await readdir('/proc')).includes(pid), rows[0]?.name)
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8')
  assert.match(commandLine, 'keeper-process')
  return commandLine
}

test.run()
