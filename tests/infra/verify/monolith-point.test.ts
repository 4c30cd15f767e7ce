import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { withMonolithPoint } from '../../../infra/verify/live/monolith-point.ts'
import { withClient } from '../../command-line/shop.ts'
import { failureOf } from '../../consumers/with-service.ts'
import { withDatabase } from '../../with-servers.ts'

test('whose transaction keeps a point from being taken is named', () =>
  withDatabase(async (url) => {
    const monolith = { title: 'the monolith', variable: 'MONOLITH_DATABASE_URL', url }
    await withClient(url, async (client) => {
      await client.query(`SET application_name = 'nightly job'; BEGIN; SELECT pg_current_xact_id()`)
      const failure = await failureOf(
        withMonolithPoint(monolith, 'point_test', undefined, async () => undefined, 1_000),
      )
      assert.is(failure.exitCode, 5)
      // Transactions of other databases count too, and may come first.
      assert.match(failure.message, /in 1 s they have not, at the moment that of (PostgreSQL process \d+|a prepared)/)
    })
  }))

test.run()
