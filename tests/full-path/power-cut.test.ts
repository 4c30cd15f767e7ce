// deadline: 180 s
import { readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { streamName } from '../../contracts/subjects.ts'
import { withNats } from '../../infra/nats/connect.ts'
import { slotName } from '../../infra/prepare/names.ts'
import { runSql, withClient } from '../command-line/shop.ts'
import { type RestartableNats, withRestartableNats } from '../publisher/restartable-nats.ts'
import { inTime } from '../publisher/with-log.ts'
import { withDatabase } from '../with-servers.ts'
import { CLUB, CLUB_TABLES, ID } from './club.ts'
import { type Following, untilFollowed, withFollowing } from './following.ts'

/** How often the broker is taken to sync: it really never does in a test's time. */
const SYNC_MS = 3_000
/** Longer than a test takes. */
const NOT_SYNCED_MS = 600_000

async function withUnsyncedClub(use: (following: Following, nats: RestartableNats) => Promise<void>): Promise<void> {
  await withRestartableNats(
    async (nats) =>
      await withDatabase(async (url) => {
        await runSql(url, CLUB_TABLES)
        await withFollowing(CLUB, url, async (following) => await use(following, nats), { natsUrl: nats.url })
      }),
    '1h',
  )
}

async function write({ monolith }: Following, from: number): Promise<void> {
  for (let number = from; number < from + 10; number += 1)
    await runSql(monolith.url, [
      `UPDATE "Person" SET age = ${number} WHERE id = ${ID((number % 190) + 1)};
       INSERT INTO "Visit" VALUES (${ID(number)}, 'p${number}')`,
    ])
}

function changesOf({ published }: Following): number {
  return published.reduce((sum, event) => sum + (event.type === 'changes-stored' ? event.changes : 0), 0)
}

async function untilStored(following: Following, changes: number): Promise<void> {
  for (const deadline = Date.now() + 20_000; changesOf(following) < changes; await sleep(10))
    assert.ok(Date.now() < deadline, `${changesOf(following)} changes were stored`)
}

async function confirmed({ monolith, prefix }: Following): Promise<string> {
  return await withClient(monolith.url, async (client) => {
    const { rows } = await client.query<{ lsn: string }>(
      'SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = $1',
      [slotName(prefix)],
    )
    return String(rows[0]?.lsn)
  })
}

/** The power fails at the broker: what it has not synced is gone. */
async function loseSince(nats: RestartableNats): Promise<void> {
  await nats.stop('SIGKILL')
  await nats.restoreStore()
  await nats.start()
}

test('what a broker stored before its power failed, and could not sync, is stored again, though nobody writes any more', () =>
  withUnsyncedClub(async (following, nats) => {
    await following.settle()
    await nats.stop('SIGTERM')
    await nats.saveStore()
    await nats.start()
    const follow = { untilMarker: 'end', brokerSyncMs: SYNC_MS }
    const publishing = following.follow('end', { follow })
    await untilFollowed(following.published)
    const before = changesOf(following)
    await write(following, 1)
    await untilStored(following, before + 20)
    const slot = await confirmed(following)
    // Nothing is heard of it from here on, until it is back.
    nats.pause(true)
    await sleep(SYNC_MS + 2_500)
    assert.is(await confirmed(following), slot, 'the slot is confirmed for what the broker may not have synced')
    await loseSince(nats)
    await untilStored(following, before + 40)
    await following.mark('end')
    await inTime(40_000, publishing)
    await following.catchUp()
    await following.assertEqual()
  }))

async function endsOf({ nats, prefix }: Following): Promise<number[]> {
  return await withNats(nats, 'test', async (connection) => {
    const { streams } = await connection.jetstreamManager()
    return await Promise.all(
      CLUB.services.map(async ({ name }) => (await streams.info(streamName(prefix, name))).state.last_seq),
    )
  })
}

/** Cuts the newest block of each stream in the midst of a record, as the end of a file that was not synced is. */
async function cutTails(store: string, bytes: number): Promise<number> {
  const files = await readdir(store, { recursive: true })
  const newest = new Map<string, string>()
  for (const file of files.filter((name) => name.endsWith('.blk'))) {
    const folder = join(store, file, '..')
    const number = Number.parseInt(file.split('/').at(-1) ?? '', 10)
    const known = Number.parseInt(newest.get(folder)?.split('/').at(-1) ?? '-1', 10)
    if (number > known) newest.set(folder, join(store, file))
  }
  for (const file of newest.values()) await truncate(file, Math.max(0, (await stat(file)).size - bytes))
  return newest.size
}

test('streams whose ends were cut in the midst of a record are filled again from the WAL, also where services were ahead of them', () =>
  withUnsyncedClub(async (following, nats) => {
    await following.settle()
    const options = (untilMarker: string): Parameters<Following['follow']>[1] => ({
      follow: { untilMarker, brokerSyncMs: NOT_SYNCED_MS },
    })
    const first = following.follow('first', options('first'))
    await untilFollowed(following.published)
    await write(following, 1)
    await following.mark('first')
    await inTime(20_000, first)
    await following.catchUp()
    for (const bytes of [5, 900]) {
      const before = await endsOf(following)
      await nats.stop('SIGKILL')
      assert.is(await cutTails(nats.storeFolder, bytes), 2)
      await nats.start()
      for (const [index, end] of (await endsOf(following)).entries()) assert.ok(end < (before[index] ?? 0), `${end}`)
      const name = `without ${bytes}`
      const next = following.follow(name, options(name))
      await untilFollowed(following.published)
      await write(following, 100 + bytes)
      await following.mark(name)
      await inTime(40_000, next)
      await following.catchUp()
      await following.assertEqual()
    }
  }))

test.run()
