import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { CONSUMER_WINDOW_BYTES } from '../../../consumers/consume.ts'
import { replayService } from '../../../consumers/replay/replay-service.ts'
import { createByteWindow } from '../../../infra/byte-window.ts'
import { withNats } from '../../../infra/nats/connect.ts'
import { writeSmallSnapshot } from '../complete-snapshot.ts'
import { failureOf, type TestService, withSales } from '../with-service.ts'

const STATE = 'SELECT epoch, lsn, stream_sequence, phase FROM scission.checkpoint'
const ROWS = `SELECT c::text FROM "Customer" AS c UNION ALL SELECT o::text FROM "Order" AS o ORDER BY 1`

/** The refusal of a replay; the service must be as it was. */
async function refusalOf(sales: TestService): Promise<string> {
  const { database, nats, prefix, service, set, sql } = sales
  const before = [await sql(STATE), await sql(ROWS)]
  const window = createByteWindow(CONSUMER_WINDOW_BYTES)
  const { signal } = new AbortController()
  const replaying = { set, prefix, nats, window, jobs: 1, maxWaitMs: 5_000, signal, report: () => undefined }
  const options = { entity: null, ending: 'swap', overwrite: false, restart: true, limit: 1 } as const
  const { exitCode, message } = await failureOf(replayService(replaying, { service, database }, options))
  assert.is(exitCode, 4)
  assert.equal([await sql(STATE), await sql(ROWS)], before)
  return message
}

test('a log that lacks a message in its midst is not replayed, though the service has applied it', () =>
  withSales(async (sales) => {
    await writeSmallSnapshot(sales.log)
    await sales.consume()
    await withNats(sales.nats, 'test', async (connection) => {
      const manager = await connection.jetstreamManager()
      await manager.streams.deleteMessage(sales.log.stream, 7)
    })
    assert.match(
      await refusalOf(sales),
      /^Stream \w+_SALES does not hold its message 7: messages were removed from the log/,
    )
  }))

test('a log whose beginning was purged is not replayed', () =>
  withSales(async (sales) => {
    await writeSmallSnapshot(sales.log)
    await sales.consume()
    await withNats(sales.nats, 'test', async (connection) => {
      const manager = await connection.jetstreamManager()
      await manager.streams.purge(sales.log.stream, { seq: 4 })
    })
    assert.match(await refusalOf(sales), /^Stream \w+_SALES holds no snapshot of service sales/)
  }))

test.run()
