import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cancel } from '../../../infra/cancel/cancel.ts'
import { Failure } from '../../../contracts/failure.ts'
import { holderText, LOCK_PATIENCE } from '../../../infra/prepare/lock-patience.ts'
import { prepare } from '../../../infra/prepare/prepare.ts'
import { values, withClient, withShop } from '../preflight/shop.ts'
import { readEndState } from './end-state.ts'

/** Short, so that the tests are. */
const PATIENCE = { lockTimeoutMs: 150, attempts: 2, pauseMs: 50 }
const PREPARE = { withSlot: true, dryRun: false, patience: PATIENCE }

test('who holds the table whose replica identity must change is named with its pid, and prepare goes on when it is gone', () =>
  withShop(async ({ deployment, urls }) => {
    await withClient(urls.monolith, async (holder) => {
      await holder.query(`SET application_name = 'nightly report'; BEGIN; SELECT FROM "_PersonToTag"`)
      const failure = await failureOf(prepare(deployment, PREPARE))
      assert.is(failure.exitCode, 4)
      assert.match(
        failure.message,
        new RegExp(
          `^Table public\\."_PersonToTag" of the monolith is locked by PostgreSQL process ${await pidOf(holder)} ` +
            String.raw`\(application "nightly report", idle in transaction, its query \d s old\), so that its replica identity ` +
            String.raw`could not be changed in 2 tries of 0\.15 s: let it end, or end it with pg_terminate_backend, and run it again\.$`,
        ),
      )
      assert.equal(
        await values(urls.monolith, `SELECT relreplident::text FROM pg_class WHERE relname = '_PersonToTag'`),
        ['d'],
      )
      assert.equal(await values(urls.monolith, 'SELECT pubname FROM pg_publication'), [])
      await holder.query('COMMIT')
    })
    const steps = await prepare(deployment, PREPARE)
    assert.equal(
      steps.filter(({ outcome }) => outcome === 'done').map(({ action }) => action),
      ['give table public."_PersonToTag" REPLICA IDENTITY FULL', `publish 4 tables as scission_${deployment.prefix}`],
    )
  }))

test('a lock that is given back between two tries is no failure, and nobody waits behind us for longer than one try', () =>
  withShop(async ({ deployment, urls }) => {
    await withClient(urls.monolith, async (holder) => {
      await holder.query(`BEGIN; SELECT FROM "_PersonToTag"`)
      const prepared = prepare(deployment, { ...PREPARE, patience: { lockTimeoutMs: 150, attempts: 50, pauseMs: 100 } })
      await waitForWaiter(urls.monolith)
      const beganAt = Date.now()
      await values(urls.monolith, `SELECT count(*) FROM "_PersonToTag"`)
      assert.ok(Date.now() - beganAt < 1_000)
      await holder.query('COMMIT')
      assert.ok((await prepared).some(({ outcome }) => outcome === 'done'))
    })
  }))

test('an application that writes does not stand in the way of the publication, and a migration does', () =>
  withShop(async ({ deployment, urls }) => {
    await withClient(urls.monolith, async (application) => {
      await application.query(`BEGIN; UPDATE "Person" SET name = 'x'`)
      await withClient(urls.monolith, async (migration) => {
        await migration.query('BEGIN; ALTER TABLE "Tag" SET (autovacuum_enabled = false)')
        const failure = await failureOf(prepare(deployment, PREPARE))
        assert.match(
          failure.message,
          `Table public."Tag" of the monolith is locked by PostgreSQL process ${await pidOf(migration)} `,
        )
        assert.match(failure.message, 'so that the publication could not be made in 2 tries')
        await migration.query('ROLLBACK')
      })
      await prepare(deployment, PREPARE)
      await application.query('COMMIT')
    })
  }))

test('cancel names who holds a table too, leaves the identity on record, and ends the work in a second run', () =>
  withShop(async ({ deployment, urls }) => {
    const before = await readEndState(deployment)
    await prepare(deployment, PREPARE)
    const options = { withLog: true, withServices: true, dryRun: false, patience: PATIENCE }
    await withClient(urls.monolith, async (holder) => {
      await holder.query(`BEGIN; SELECT FROM "_PersonToTag"`)
      const failure = await failureOf(cancel(deployment, options))
      assert.match(
        failure.message,
        `"_PersonToTag" of the monolith is locked by PostgreSQL process ${await pidOf(holder)} `,
      )
      assert.equal(await values(urls.monolith, 'SELECT table_name FROM scission.replica_identity'), ['_PersonToTag'])
      await holder.query('COMMIT')
    })
    await withClient(urls.people, async (holder) => {
      await holder.query(`BEGIN; SELECT FROM "Tag"`)
      const failure = await failureOf(cancel(deployment, options))
      assert.match(
        failure.message,
        `Table public."Tag" of the database of service people is locked by PostgreSQL process`,
      )
      assert.equal(await values(urls.people, 'SELECT count(*) FROM scission.entity'), ['3'])
      await holder.query('COMMIT')
    })
    await cancel(deployment, options)
    assert.equal(await readEndState(deployment), before)
  }))

test('a holder that tells nothing of itself is named by what is known', () => {
  const known = { schema: 'public', table: 'T' }
  assert.is(
    holderText({ ...known, pid: '7', application: null, state: null, querySeconds: null }),
    'PostgreSQL process 7 (no application name, state unknown)',
  )
  assert.is(
    holderText({ ...known, pid: null, application: null, state: null, querySeconds: null }),
    'a prepared transaction (pg_prepared_xacts)',
  )
})

test('all tries together stay below half a minute', () => {
  const { lockTimeoutMs, attempts, pauseMs } = LOCK_PATIENCE
  assert.is(lockTimeoutMs, 2_000)
  assert.ok(attempts * (lockTimeoutMs + pauseMs) < 30_000)
})

async function pidOf(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  return String(rows[0]?.pid)
}

/** Until somebody in the database waits for a lock; asked anew each time, since a transaction keeps what it once saw. */
async function waitForWaiter(url: string): Promise<void> {
  const waiting = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pg_blocking_pids(pid) <> '{}'`
  while ((await values(url, waiting)).length === 0) await sleep(10)
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.instance(error, Failure, String(error))
  return error as Failure
}

test.run()
