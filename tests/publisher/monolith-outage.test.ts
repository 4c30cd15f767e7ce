// deadline: 300 s
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { PublishOutcome } from '../../publisher/events.ts'
import { MonolithPatience } from '../../publisher/monolith-patience.ts'
import { type PublishOptions, publishSnapshot } from '../../publisher/publish-snapshot.ts'
import { type TcpProxy, urlByWayOf, withTcpProxy } from '../tcp-proxy.ts'
import { assertWhole, bankRows, slotPoint } from './bank-checks.ts'
import { type RestartablePostgres, withRestartablePostgres } from './restartable-postgres.ts'
import { type Bank, keepersOf, untilTrue, watchFor, withBank } from './with-bank.ts'
import { failureOf, inTime } from './with-log.ts'

interface Held {
  readonly bank: Bank
  readonly notices: readonly string[]
  /** How it ends; it stands in the midst of the snapshot until the table is let go. */
  readonly publishing: Promise<PublishOutcome>
  readonly letGo: () => Promise<void>
}

const IS_AWAY =
  /^The monolith \(MONOLITH_DATABASE_URL, postgres@127\.0\.0\.1:\d+\/\w+\) is away \(.+\): waiting for it, up to/

/** A publication that has finished `Account` and waits for `Purse`, and reaches the monolith by way of a proxy if one is given. */
async function withHeld(
  bank: Bank,
  given: Partial<PublishOptions>,
  use: (held: Held) => Promise<void>,
  proxy?: TcpProxy,
): Promise<void> {
  const locker = new Client({ connectionString: bank.url })
  locker.on('error', () => undefined)
  await locker.connect()
  await locker.query('BEGIN')
  const { watch, notices } = watchFor('notice')
  let isLocked = false
  const { monolith } = bank.dependencies
  const url = proxy === undefined ? monolith.url : urlByWayOf(monolith.url, proxy)
  const signal = new AbortController().signal
  const options = { withSlot: true, newEpoch: false, readers: 1, pageBytes: 8_192, maxOutageMs: 30_000, signal }
  const publishing = publishSnapshot(
    { ...bank.dependencies, monolith: { ...monolith, url } },
    { ...options, ...given },
    (event) => {
      watch(event)
      if (event.type === 'snapshot-planned' && !isLocked)
        void locker.query('LOCK TABLE "Purse" IN ACCESS EXCLUSIVE MODE')
      isLocked ||= event.type === 'snapshot-planned'
    },
  )
  const settled = publishing.catch(() => undefined)
  try {
    await untilTrue(
      bank.client,
      `EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = '"Purse"'::regclass)`,
      30_000,
    )
    await use({
      bank,
      notices,
      publishing,
      letGo: async () => void (await locker.query('ROLLBACK').catch(() => undefined)),
    })
  } finally {
    await locker.end().catch(() => undefined)
    await settled
  }
}

async function attemptsOf(bank: Bank): Promise<Record<string, number>> {
  const manifests = await Promise.all(['vault', 'wallet'].map(async (name) => (await bank.read(name)).manifest))
  const totals = manifests.flatMap((manifest) => manifest?.entities ?? [])
  return Object.fromEntries(totals.map(({ entity, attempt }) => [entity, attempt]))
}

/** The bank's own sessions end with the server: it is looked at by new ones. */
async function renewed<Result>(bank: Bank, use: (bank: Bank) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: bank.url })
  await client.connect()
  try {
    return await use({ ...bank, client })
  } finally {
    await client.end()
  }
}

function saidOnce(notices: readonly string[]): void {
  const told = notices.filter((text) => text.includes('is away'))
  assert.is(told.length, 1, told.join())
  assert.match(told[0] ?? '', IS_AWAY)
}

async function withServer(use: (server: RestartablePostgres, bank: Bank) => Promise<void>): Promise<void> {
  await withRestartablePostgres(async (server) => {
    await withBank({ serverUrl: server.url, rows: 200 }, async (bank) => await use(server, bank))
  })
}

for (const signal of ['SIGINT', 'SIGQUIT'] as const)
  test(`a monolith that ends by ${signal} in the midst of the snapshot is waited for, and what was finished stays`, () =>
    withServer(async (server, bank) => {
      const [before, slot] = [{ Account: await bankRows(bank, 'Account') }, slotPoint]
      await withHeld(bank, {}, async ({ notices, publishing }) => {
        const point = await slot(bank)
        await server.stop(signal)
        await sleep(3_000)
        await server.start()
        await renewed(bank, async (after) => {
          await inTime(60_000, publishing)
          saidOnce(notices)
          await assertWhole(after, 1, before)
          assert.equal(await attemptsOf(after), { Account: 1, Purse: 2, Coin: 2 })
          assert.is(await slot(after), point, 'the slot must be the same')
        })
      })
    }))

test('a monolith that stays away ends the publication, and a later run goes on', () =>
  withServer(async (server, bank) => {
    await withHeld(bank, { maxOutageMs: 2_000 }, async ({ notices, publishing }) => {
      const failing = failureOf(inTime(60_000, publishing))
      await server.stop('SIGINT')
      const failure = await failing
      assert.is(failure.exitCode, 5)
      assert.match(
        failure.message,
        /^The monolith \(MONOLITH_DATABASE_URL, .*\) was away for 2 s \(.*\): see that the server runs and can be reached, then run publish again, which goes on from there\.$/,
      )
      saidOnce(notices)
    })
    await server.start()
    await renewed(bank, async (after) => {
      await bank.publish()
      await assertWhole(after, 1)
      assert.equal(await attemptsOf(after), { Account: 1, Purse: 2, Coin: 2 })
    })
  }))

test('sessions that are all ended are made again, and the keeper has the snapshot', () =>
  withBank({ rows: 200 }, async (bank) => {
    const before = { Account: await bankRows(bank, 'Account'), Purse: await bankRows(bank, 'Purse') }
    await withHeld(bank, {}, async ({ notices, publishing, letGo }) => {
      // The lock's, the slot's, the watch's and the reader's.
      assert.ok((await bank.terminate('publish')) >= 3)
      await letGo()
      await bank.client.query(`UPDATE "Account" SET note = 'later'; UPDATE "Purse" SET note = 'later'`)
      await inTime(30_000, publishing)
      saidOnce(notices)
    })
    await assertWhole(bank, 1, before)
    assert.equal(await attemptsOf(bank), { Account: 1, Purse: 1, Coin: 1 })
    assert.equal(await keepersOf(bank), [])
  }))

test("connections that are cut, the keeper's too, are made again, and what was finished stays", () =>
  withTcpProxyOf(async (bank, proxy) => {
    await withHeld(
      bank,
      {},
      async ({ notices, publishing, letGo }) => {
        proxy.refuse(true)
        proxy.cut()
        await sleep(1_500)
        proxy.refuse(false)
        await letGo()
        await inTime(30_000, publishing)
        saidOnce(notices)
      },
      proxy,
    )
    await assertWhole(bank, 1)
    assert.equal(await attemptsOf(bank), { Account: 1, Purse: 2, Coin: 2 })
    assert.equal(await keepersOf(bank), [])
  }))

test('a monolith that falls silent is noticed, and the run goes on over new connections', () =>
  withTcpProxyOf(async (bank, proxy) => {
    await withHeld(
      bank,
      { timing: { silenceMs: 3_000 } },
      async ({ notices, publishing, letGo }) => {
        proxy.swallowReplies(true)
        const began = Date.now()
        while (!notices.some((text) => text.includes('is away'))) {
          if (Date.now() - began > 30_000) throw new Error('The silence was not noticed')
          await sleep(50)
        }
        assert.match(notices.join(), 'has not answered for 3 s')
        proxy.swallowReplies(false)
        await letGo()
        await inTime(30_000, publishing)
        saidOnce(notices)
      },
      proxy,
    )
    await assertWhole(bank, 1)
  }))

async function withTcpProxyOf(use: (bank: Bank, proxy: TcpProxy) => Promise<void>): Promise<void> {
  await withBank({ rows: 200 }, async (bank) => {
    await withTcpProxy(Number(new URL(bank.url).port), async (proxy) => await use(bank, proxy))
  })
}

test('a monolith that is back, and has no connection left for us, is waited for', () =>
  withBank({}, async ({ client, url, dependencies: { monolith } }) => {
    const role = `crowded_${randomUUID().replaceAll('-', '')}`
    await client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret' CONNECTION LIMIT 0`)
    try {
      const crowded = new URL(url)
      Object.assign(crowded, { username: role, password: 'secret' })
      const notices: string[] = []
      const options = { maxOutageMs: 20_000, signal: new AbortController().signal }
      const patience = new MonolithPatience({ ...monolith, url: crowded.href }, options, (text) => notices.push(text))
      const waiting = patience.waitOut(new Error('Connection terminated unexpectedly'))
      assert.is(await Promise.race([waiting, sleep(1_500, 'waits')]), 'waits')
      await client.query(`ALTER ROLE ${role} CONNECTION LIMIT -1`)
      await inTime(10_000, waiting)
      assert.is(notices.length, 1)
    } finally {
      await client.query(`DROP ROLE ${role}`)
    }
  }))

test('a monolith that was never reached is not waited for', () =>
  withBank({}, async (bank) => {
    const monolith = { ...bank.dependencies.monolith, url: 'postgres://nobody@127.0.0.1:1/nothing' }
    const options = { withSlot: true, newEpoch: false, readers: 1, pageBytes: 8_192, maxOutageMs: 30_000 }
    const signal = new AbortController().signal
    const publishing = publishSnapshot({ ...bank.dependencies, monolith }, { ...options, signal }, () => undefined)
    const failure = await failureOf(inTime(10_000, publishing))
    assert.is(failure.exitCode, 4)
    assert.match(failure.message, 'refuses connections: check the host and the port')
  }))

test.run()
