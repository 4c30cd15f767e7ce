// deadline: 180 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { slotName } from '../../infra/prepare/names.ts'
import { runSql, withClient } from '../command-line/shop.ts'
import { inTime } from '../publisher/with-log.ts'
import { type ChangedLog, withChangedLog } from './changed-log.ts'
import { ID } from './club.ts'
import { untilFollowed } from './following.ts'

async function confirmed({ monolith, prefix }: ChangedLog): Promise<string> {
  return await withClient(monolith.url, async (client) => {
    const { rows } = await client.query<{ lsn: string }>(
      'SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = $1',
      [slotName(prefix)],
    )
    return String(rows[0]?.lsn)
  })
}

function noticesOf({ published }: ChangedLog): string[] {
  return published.flatMap((event) => (event.type === 'notice' ? [event.text] : []))
}

test('a stream that comes to its max_bytes while it is followed is waited for visibly, keeps its changes in the WAL, and takes all of them when it is raised', () =>
  withChangedLog({}, async (log) => {
    await log.settle()
    const name = log.streamOf('people')
    const { bytes } = (await log.withStreams(async (streams) => await streams.info(name))).state
    await log.withStreams(async (streams) => await streams.update(name, { max_bytes: bytes + 2_000 }))
    const publishing = log.follow('end', { maxOutageMs: 120_000 })
    await untilFollowed(log.published)
    await log.withConsumers(async () => {
      await runSql(log.monolith.url, [
        `UPDATE "Person" SET bio = (SELECT string_agg(md5(n || email), '') FROM generate_series(1, 50) AS n) WHERE age < 20`,
      ])
      for (let number = 1; noticesOf(log).length === 0; number += 1) {
        await runSql(log.monolith.url, [`UPDATE "Person" SET age = 1000 + ${number} WHERE id = ${ID(number % 200)}`])
        await sleep(50)
      }
      const before = await confirmed(log)
      await runSql(log.monolith.url, [
        `UPDATE "Person" SET age = 3`,
        `INSERT INTO "Visit" VALUES (${ID(7)}, 'meanwhile')`,
      ])
      await log.mark('end')
      await sleep(2_500)
      assert.is(await confirmed(log), before, 'the slot is confirmed for what is not stored')
      assert.is(noticesOf(log).length, 1, noticesOf(log).join('\n'))
      assert.match(
        noticesOf(log)[0] ?? '',
        /^Stream \w+_PEOPLE takes no more messages \(maximum bytes exceeded\): it has reached its own max_bytes\. Waiting for room, up to 120 s: raise it with "nats stream edit \w+_PEOPLE --max-bytes=-1"; publishing then goes on by itself\.$/,
      )
      await log.withStreams(async (streams) => await streams.update(name, { max_bytes: -1 }))
      await inTime(40_000, publishing)
      assert.equal(noticesOf(log).slice(1), [`Stream ${name} takes messages again.`])
    })
    await log.catchUp()
    await log.assertEqual()
  }))

test.run()
