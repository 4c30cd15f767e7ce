// deadline: 240 s
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { runSql, withClient } from '../command-line/shop.ts'
import { inTime } from '../publisher/with-log.ts'
import { withDatabase } from '../with-servers.ts'
import { CLUB, CLUB_TABLES, ID } from './club.ts'
import { type Following, untilComplete, untilFollowed, withFollowing } from './following.ts'

/** How often the connection is cut in the suite. `RECONNECTS=100` is the whole test, of some minutes. */
const RECONNECTS = Number(process.env['RECONNECTS'] ?? 8)

async function withClub(use: (following: Following, client: Client, url: string) => Promise<void>): Promise<void> {
  await withDatabase(async (url) => {
    await runSql(url, CLUB_TABLES)
    await withFollowing(CLUB, url, async (following) => {
      await withClient(url, async (client) => await use(following, client, url))
    })
  })
}

async function confirmed(client: Client, { prefix }: Following): Promise<string> {
  const { rows } = await client.query<{ lsn: string }>(
    'SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = $1',
    [`scission_${prefix}`],
  )
  return rows[0]?.lsn ?? ''
}

const begun = ({ published }: Following): number => published.filter(({ type }) => type === 'following-begun').length

/** Ends the session that follows, and returns when another one does. */
async function cutOff(following: Following, client: Client): Promise<void> {
  const links = begun(following)
  // It may not have its slot yet.
  await until('it has its slot', async () => {
    const { rowCount } = await client.query(
      'SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active',
      [`scission_${following.prefix}`],
    )
    return rowCount === 1
  })
  await until('it follows again', async () => begun(following) > links)
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, what)
    await sleep(20)
  }
}

/** The transport's own timer confirms what was received every ten seconds. */
test('what was received and may not be synced is never confirmed, however long the monolith is idle, and comes again', () =>
  withClub(async (following, client) => {
    await following.settle()
    const abort = new AbortController()
    const follow = { untilMarker: null, brokerSyncMs: 600_000 }
    const published = following.follow('', { follow, signal: abort.signal }).catch(() => undefined)
    await untilFollowed(following.published)
    const before = await confirmed(client, following)
    await client.query(`UPDATE "Person" SET age = 77`)
    await sleep(13_000)
    assert.is(await confirmed(client, following), before)
    abort.abort(new Error('enough'))
    await published
    assert.is(await confirmed(client, following), before)
    await following.settle()
  }))

test('an idle link stays up where the server hears of nobody for four seconds at most', () =>
  withClub(async (following, client) => {
    const { rows } = await client.query<{ name: string }>('SELECT quote_ident(current_database()) AS name')
    await client.query(`ALTER DATABASE ${rows[0]?.name} SET wal_sender_timeout = '4s'`)
    await following.settle()
    const published = following.follow('awake')
    await untilFollowed(following.published)
    const links = begun(following)
    await sleep(10_000)
    await client.query(`UPDATE "Person" SET age = 78`)
    await following.mark('awake')
    await inTime(20_000, published)
    assert.is(begun(following), links, 'it was not cut')
    await following.catchUp()
    await following.assertEqual()
  }))

test('a monolith that is idle while others write on its server keeps no WAL for the slot', () =>
  withClub(async (following, client) => {
    await following.settle()
    const published = following.follow('done')
    await untilFollowed(following.published)
    const before = await confirmed(client, following)
    await withDatabase(async (other) => {
      await runSql(other, [`CREATE TABLE log AS SELECT n, repeat('x', 1000) FROM generate_series(1, 5000) AS n`])
    })
    await until('the slot is confirmed further', async () => (await confirmed(client, following)) !== before)
    await following.mark('done')
    await inTime(20_000, published)
  }))

test(`a connection that is cut ${RECONNECTS} times, while it is written, loses nothing and doubles nothing`, () =>
  withClub(async (following, client, url) => {
    const stop = new AbortController()
    const published = following.follow('last', { maxOutageMs: 60_000 })
    await following.withConsumers(async () => {
      await untilComplete(following)
      const writing = (async () => {
        await withClient(url, async (writer) => {
          for (let number = 1; !stop.signal.aborted; number += 1) {
            const id = ID((number % 190) + 1)
            await writer.query(
              `UPDATE "Person" SET age = ${number} WHERE id = ${id}; INSERT INTO "Card" VALUES (${50_000 + number}, ${id}, '')`,
            )
            await sleep(5)
          }
        })
      })()
      try {
        for (let cut = 0; cut < RECONNECTS; cut += 1) await cutOff(following, client)
      } finally {
        stop.abort()
        await writing
      }
      await following.mark('last')
      await inTime(40_000, published)
    })
    await following.catchUp()
    await following.assertEqual()
  }))

test.run()
