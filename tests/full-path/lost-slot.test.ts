// deadline: 180 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { slotName } from '../../infra/prepare/names.ts'
import { runSql } from '../command-line/shop.ts'
import { failureOf, inTime } from '../publisher/with-log.ts'
import { withRestartablePostgres } from '../restartable-postgres.ts'
import { NOTICE_LIMIT_MS, publishAnew, untilRead, withChangedLog } from './changed-log.ts'
import { CLUB, CLUB_TABLES, ID } from './club.ts'
import { type Following, untilFollowed, withFollowing } from './following.ts'

/** Nothing is confirmed, so that the slot needs all that is written. */
const NOT_SYNCED = { follow: { untilMarker: 'never', brokerSyncMs: 600_000 } }

/** Ends whoever has the slot, and drops it before he comes again. */
const dropOf = (slot: string): string => `
  DO $$ BEGIN
    FOR tries IN 1..100 LOOP
      PERFORM pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '${slot}' AND active;
      BEGIN
        PERFORM pg_drop_replication_slot('${slot}');
        RETURN;
      EXCEPTION WHEN object_in_use THEN
        PERFORM pg_sleep(0.02);
      END;
    END LOOP;
    RAISE 'The slot is in use all the time';
  END $$`

/** The way out, while consumers go on by themselves. */
async function goOnAnew(following: Following): Promise<void> {
  following.consumed.length = 0
  await following.withConsumers(async () => {
    await untilRead(following)
    assert.is(await publishAnew(following), 2)
  })
  await following.catchUp()
  await following.assertEqual()
}

test('a slot that is dropped while it is followed ends the publisher, and what it says leads out', () =>
  withChangedLog({}, async (log) => {
    await log.settle()
    const slot = slotName(log.prefix)
    const publishing = failureOf(log.follow('never'))
    await untilFollowed(log.published)
    await runSql(log.monolith.url, [dropOf(slot), `UPDATE "Person" SET age = 9 WHERE id = ${ID(9)}`])
    for (const failure of [await inTime(NOTICE_LIMIT_MS, publishing), await failureOf(log.follow('never'))]) {
      assert.is(failure.message, `Slot ${slot} is gone: begin anew with --new-epoch.`)
      assert.is(failure.exitCode, 4)
    }
    await goOnAnew(log)
  }))

test('a slot that PostgreSQL gives up while it is followed ends the publisher, and what it says leads out', () =>
  withRestartablePostgres(async ({ url }) => {
    await runSql(url, CLUB_TABLES)
    await withFollowing(CLUB, url, async (following) => {
      await following.settle()
      const slot = slotName(following.prefix)
      const publishing = failureOf(following.follow('never', NOT_SYNCED))
      await untilFollowed(following.published)
      await runSql(url, [`ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'`, 'SELECT pg_reload_conf()'])
      for (let age = 1; age <= 4; age += 1)
        await runSql(url, [`UPDATE "Person" SET age = ${age} WHERE id = ${ID(9)}`, 'SELECT pg_switch_wal()'])
      await runSql(url, ['CHECKPOINT'])
      for (const failure of [await inTime(NOTICE_LIMIT_MS, publishing), await failureOf(following.follow('never'))]) {
        assert.is(
          failure.message,
          `Slot ${slot} is lost (PostgreSQL removed the WAL that it needs, by max_slot_wal_keep_size): begin anew with --new-epoch.`,
        )
        assert.is(failure.exitCode, 4)
      }
      await runSql(url, ['ALTER SYSTEM RESET max_slot_wal_keep_size', 'SELECT pg_reload_conf()'])
      await goOnAnew(following)
    })
  }))

test.run()
