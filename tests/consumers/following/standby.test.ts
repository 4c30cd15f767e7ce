// deadline: 120 s
import { writeFile } from 'node:fs/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type RestartablePostgres, withRestartablePostgres } from '../../restartable-postgres.ts'
import { until } from '../waiting-consumer.ts'
import { failureOf, noticesOf, runSql, withSalesIn } from '../with-service.ts'
import { customersAfter, customersOf, load, sendTransaction, untilApplied, withFollower } from './follower.ts'

/** Manual: "Setting Up a Standby Server". */
async function demote(server: RestartablePostgres): Promise<void> {
  await server.stop('fast')
  await writeFile(`${server.folder.path}/data/standby.signal`, '')
  await server.start()
}

const READ_ONLY =
  /^The database of service sales takes no writes \(cannot execute .* in a read-only transaction\): waiting until it does, up to 20 s\.$/
const BACK = 'The database of service sales is back: going on from what is stored.'

test('a server that comes to be a standby is waited for until it is promoted, and refused at once by whoever begins there', () =>
  withRestartablePostgres(async (server) => {
    await runSql(server.url, ['CREATE DATABASE sales'])
    const url = Object.assign(new URL(server.url), { pathname: '/sales' }).href
    await withSalesIn(url, async (service) => {
      await load(service)
      await withFollower(service, async () => {
        await sendTransaction(service, 1)
        await untilApplied(service, 1)
        await demote(server)
        await sendTransaction(service, 2)
        await until(async () => noticesOf(service).some((text) => READ_ONLY.test(text)), 20_000)
        assert.equal(await customersOf(service), customersAfter([1]))
        await runSql(server.url, ['SELECT pg_promote()'])
        await untilApplied(service, 2)
        assert.is(noticesOf(service).at(-1), BACK)
      })
      await demote(server)
      await sendTransaction(service, 3)
      const { exitCode, message } = await failureOf(service.consume())
      assert.is(exitCode, 4)
      assert.match(
        message,
        /^The database of service sales refused a statement \(cannot execute .* SQLSTATE 25006\): give the URL of its primary, then run consume again; it goes on from where it was\.$/,
      )
      await runSql(server.url, ['SELECT pg_promote()'])
      await service.consume()
      assert.equal(await customersOf(service), customersAfter([1, 2, 3]))
    })
  }))

test.run()
