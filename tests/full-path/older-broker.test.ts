// deadline: 180 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Failure } from '../../contracts/failure.ts'
import { slotName } from '../../infra/prepare/names.ts'
import { runSql, withClient } from '../command-line/shop.ts'
import { type RestartableNats, withRestartableNats } from '../publisher/restartable-nats.ts'
import { failureOf, inTime } from '../publisher/with-log.ts'
import { untilTrue } from '../publisher/with-bank.ts'
import { withDatabase } from '../with-servers.ts'
import { CLUB, CLUB_TABLES, ID } from './club.ts'
import { type Following, untilComplete, untilFollowed, withFollowing } from './following.ts'

/** Longer than a test takes: the slot is then not confirmed for what the broker may have in its memory alone. */
const NOT_SYNCED_MS = 600_000

async function withClub(
  use: (following: Following, nats: RestartableNats, write: (from: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  await withRestartableNats(
    async (nats) =>
      await withDatabase(async (url) => {
        await runSql(url, CLUB_TABLES)
        const write = async (from: number): Promise<void> => {
          for (let number = from; number < from + 20; number += 1)
            await runSql(url, [
              `UPDATE "Person" SET age = ${number} WHERE id = ${ID((number % 190) + 1)};
               INSERT INTO "Card" VALUES (${10_000 + number}, ${ID((number % 190) + 1)}, 'n');
               INSERT INTO "Visit" VALUES (${ID(number)}, 'p${number}')`,
            ])
        }
        await withFollowing(CLUB, url, async (following) => await use(following, nats, write), { natsUrl: nats.url })
      }),
  )
}

/** The broker comes back with what it had before, as from a copy, or after its power failed. */
async function comeBackOlder(nats: RestartableNats): Promise<void> {
  await nats.stop('SIGTERM')
  await nats.restoreStore()
  await nats.start()
}

async function keepStore(nats: RestartableNats): Promise<void> {
  await nats.stop('SIGTERM')
  await nats.saveStore()
  await nats.start()
}

const followed = async (following: Following, name: string, brokerSyncMs: number): Promise<string> => {
  const published = following.follow(name, { follow: { untilMarker: name, brokerSyncMs } })
  await untilFollowed(following.published)
  await following.mark(name)
  return String((await inTime(40_000, published)).followedTo)
}

test('a log that went back in time is filled again from the WAL, and services that were ahead of it are equal in the end', () =>
  withClub(async (following, nats, write) => {
    await following.settle()
    await keepStore(nats)
    await write(1)
    await followed(following, 'first', NOT_SYNCED_MS)
    await following.catchUp()
    await following.assertEqual()
    await comeBackOlder(nats)
    // Other transactions in one message than before: what is read on from the old place would miss some.
    await write(100)
    await followed(following, 'second', NOT_SYNCED_MS)
    await following.catchUp()
    await following.assertEqual()
  }))

test('a publisher and consumers that follow through it go on by themselves', () =>
  withClub(async (following, nats, write) => {
    await following.settle()
    const options = { follow: { untilMarker: 'end', brokerSyncMs: NOT_SYNCED_MS } }
    const published = following.follow('end', options)
    await following.withConsumers(async () => {
      await untilFollowed(following.published)
      await untilComplete(following)
      await keepStore(nats)
      await write(1)
      await following.mark('some')
      await write(50)
      await comeBackOlder(nats)
      await write(100)
      await following.mark('end')
      await inTime(60_000, published)
    })
    await following.catchUp()
    await following.assertEqual()
  }))

test('what an earlier run has stored, and a later one confirms, is guarded too', () =>
  withClub(async (following, nats, write) => {
    await following.settle()
    await keepStore(nats)
    await write(1)
    const stored = await followed(following, 'stored', NOT_SYNCED_MS)
    await withClient(following.monolith.url, async (client) => {
      const abort = new AbortController()
      const follow = { untilMarker: 'never', brokerSyncMs: 0 }
      const published = failureOf(following.follow('never', { follow, signal: abort.signal }))
      await inTime(
        40_000,
        untilTrue(
          client,
          `EXISTS (SELECT FROM pg_replication_slots
          WHERE slot_name = '${slotName(following.prefix)}' AND confirmed_flush_lsn > '${stored}')`,
        ),
      )
      // On an idle monolith the writing alone would be something to confirm, and so on for ever.
      const guard = 'SELECT string_agg(xmin::text, $1) AS written FROM scission.guard'
      const written = (await client.query(guard, [','])).rows
      await sleep(2_500)
      assert.equal((await client.query(guard, [','])).rows, written)
      abort.abort(new Failure(1, 'enough'))
      assert.is((await published).message, 'enough')
    })
    await comeBackOlder(nats)
    const failure = await failureOf(inTime(20_000, following.follow('never')))
    assert.is(failure.exitCode, 4)
    assert.match(failure.message, 'the broker came back with an older store')
  }))

test('a log that lost what the slot was confirmed for is refused, with what is missing', () =>
  withClub(async (following, nats, write) => {
    await following.settle()
    await keepStore(nats)
    await write(1)
    await followed(following, 'synced', 0)
    await comeBackOlder(nats)
    const failure = await failureOf(following.follow('never'))
    assert.is(failure.exitCode, 4)
    assert.match(
      failure.message,
      /ends at message \d+, and message \d+ was stored before, whose changes the monolith's WAL does not have any more/,
    )
  }))

test.run()
