// deadline: 180 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { runSql } from '../command-line/shop.ts'
import { inTime } from '../publisher/with-log.ts'
import { type RestartablePostgres, withRestartablePostgres } from '../restartable-postgres.ts'
import { CLUB, CLUB_TABLES, ID } from './club.ts'
import { type Following, untilFollowed, withFollowing } from './following.ts'

/** The slot is then not confirmed for what was stored last, which a server that shuts down asks for. */
const NOT_SYNCED = { untilMarker: 'end', brokerSyncMs: 600_000 }

async function withOwnServer(use: (server: RestartablePostgres, following: Following) => Promise<void>): Promise<void> {
  await withRestartablePostgres(async (server) => {
    await runSql(server.url, CLUB_TABLES)
    await withFollowing(CLUB, server.url, async (following) => await use(server, following))
  })
}

function changesOf({ published }: Following): number {
  return published.reduce((sum, event) => sum + (event.type === 'changes-stored' ? event.changes : 0), 0)
}

for (const how of ['fast', 'immediate'] as const)
  test(`a monolith that is shut down (${how}) need not wait for the broker's disk, and is followed when it is back`, () =>
    withOwnServer(async (server, following) => {
      await following.settle()
      const published = following.follow('end', { follow: NOT_SYNCED, maxOutageMs: 60_000 })
      await untilFollowed(following.published)
      await runSql(server.url, [`UPDATE "Person" SET age = 41`])
      for (const deadline = Date.now() + 20_000; changesOf(following) < 200; await sleep(20))
        assert.ok(Date.now() < deadline, `${changesOf(following)} changes were stored`)
      const began = Date.now()
      await server.stop(how)
      assert.ok(Date.now() - began < 15_000, `it took ${Date.now() - began} ms`)
      await server.start()
      await runSql(server.url, [`UPDATE "Person" SET age = 42 WHERE id = ${ID(7)}`])
      await following.mark('end')
      await inTime(40_000, published)
      await following.catchUp()
      await following.assertEqual()
    }))

test.run()
