import { randomBytes } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Failure } from '../../../contracts/failure.ts'
import { streamName } from '../../../contracts/subjects.ts'
import { withNats } from '../../../infra/nats/connect.ts'
import type { RowDifferences } from '../../../infra/verify/report.ts'
import { verify } from '../../../infra/verify/verify.ts'
import { withTcpProxy } from '../../tcp-proxy.ts'
import { tablesOf } from './expected-rows.ts'
import type { MadeByHand } from './made-by-hand.ts'
import { inShop, runSql, verifyShop, withShop } from './shop.ts'

async function refusal(made: MadeByHand): Promise<string> {
  try {
    await verifyShop(made)
  } catch (error) {
    assert.instance(error, Failure)
    return `${(error as Failure).exitCode} ${(error as Failure).message}`
  }
  return 'no refusal'
}

test('a service that has not finished loading is late, which is exit code 5 and no difference', async () => {
  await withShop(async (made) => {
    await inShop(made, 'orders', `UPDATE scission.checkpoint SET phase = 'loading'`)
    assert.match(
      await refusal(made),
      /^5 Service orders has not finished loading: run consume orders --until-caught-up/,
    )
    await inShop(made, 'orders', `UPDATE scission.checkpoint SET phase = 'following', epoch = 0`)
    assert.match(await refusal(made), /^5 Service orders has not finished loading/)
    await inShop(made, 'orders', `DROP SCHEMA scission CASCADE`)
    assert.match(await refusal(made), /^4 The database of service orders was never loaded/)
  })
})

test('a log of another prefix, without a stream or a snapshot, is refused with the way out', async () => {
  await withShop(async (made) => {
    assert.match(
      await refusal({ ...made, prefix: `${made.prefix}x` }),
      /^4 There is no stream T[0-9A-FX]+_ACCOUNTS: run prepare first/,
    )
    await removeMessages(made, 'control.manifest')
    assert.match(await refusal(made), /^4 Publish has not closed its snapshot of service orders yet \(epoch 1\)/)
  })
})

test('a log that lost a page is refused as soon as its rows are needed, and not before', async () => {
  await withShop(async (made) => {
    await removeMessages(made, 'snapshot.Line')
    assert.is((await verifyShop(made)).verified, true)
    await inShop(made, 'orders', `DELETE FROM public."Line" WHERE article = 'article 7'`)
    assert.match(await refusal(made), /^4 Stream .*_ORDERS holds 0 of the \d+ pages of Line: messages were removed/)
  })
})

test('a broker that goes away while verify needs it is no refusal: it can be tried again later', async () => {
  await withShop(async (made) => {
    await inShop(made, 'orders', `DELETE FROM public."Line" WHERE article = 'article 7'`)
    const url = new URL(made.nats.url)
    await withTcpProxy(Number(url.port), async (proxy) => {
      url.port = String(proxy.port)
      const cut = (): void => {
        proxy.refuse(true)
        proxy.cut()
      }
      const failure = await verify({ ...made, nats: { ...made.nats, url: url.href } }, { limit: 10 }, cut).catch(
        (error: unknown) => error,
      )
      assert.instance(failure, Failure)
      assert.is((failure as Failure).exitCode, 5)
      assert.match(
        (failure as Failure).message,
        /^NATS at 127\.0\.0\.1:\d+ \(NATS_URL\) did not answer \(.+\): see that it runs .*, then run verify again\.$/,
      )
    })
  })
})

async function removeMessages({ nats, prefix }: MadeByHand, subject: string): Promise<void> {
  await withNats(nats, 'test', async (connection) => {
    const manager = await connection.jetstreamManager()
    await manager.streams.purge(streamName(prefix, 'orders'), { filter: `${prefix}.orders.${subject}` })
  })
}

/** Runs verify as a role that may read the services, and do what else is granted to it. */
async function asReader(made: MadeByHand, use: (reader: MadeByHand, role: string) => Promise<void>): Promise<void> {
  const role = `reader_${randomBytes(4).toString('hex')}`
  const own = (url: string): string => {
    const changed = new URL(url)
    changed.username = role
    changed.password = 'reader'
    return changed.toString()
  }
  const services = made.services.map(({ service, database }) => ({
    service,
    database: { ...database, url: own(database.url) },
  }))
  await inShop(made, 'accounts', `CREATE ROLE ${role} LOGIN PASSWORD 'reader'`)
  try {
    for (const name of ['accounts', 'orders'] as const)
      await inShop(
        made,
        name,
        `GRANT USAGE ON SCHEMA public, scission TO ${role};
         GRANT SELECT ON ALL TABLES IN SCHEMA public, scission TO ${role};
         DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$`,
      )
    await use({ ...made, services }, role)
  } finally {
    for (const name of ['accounts', 'orders'] as const) await inShop(made, name, `DROP OWNED BY ${role}`)
    await inShop(made, 'accounts', `DROP ROLE ${role}`)
  }
}

test('a role without the right to temporary tables verifies, and reports a difference without its rows', async () => {
  await withShop(async (made) => {
    await asReader(made, async (reader) => {
      assert.is((await verifyShop(reader)).verified, true)
      await inShop(made, 'orders', `DELETE FROM public."Line" WHERE article = 'article 7'`)
      const line = tablesOf(await verifyShop(reader)).get('Line')
      assert.equal([line?.verified, line?.found?.rows, line?.expected.rows], [false, 199, 200])
      const { total, rows, note }: RowDifferences = line?.differences ?? { total: 0, rows: [], note: '' }
      assert.equal([total, rows], [null, []])
      assert.match(note ?? '', /cannot be named.*permission denied to create temporary tables.*TEMPORARY privilege/)
    })
  })
})

test('a role that may not read all rows is refused: what it does not see would look like a difference', async () => {
  await withShop(async (made) => {
    await asReader(made, async (reader, role) => {
      await inShop(made, 'orders', `REVOKE SELECT ON public."Line" FROM ${role}`)
      assert.match(
        await refusal(reader),
        /^4 Service orders cannot be verified.*may not read all of Line.*permission denied/,
      )
      await inShop(made, 'orders', `GRANT SELECT ON public."Line" TO ${role}`)
      await inShop(made, 'orders', `ALTER TABLE public."Line" ENABLE ROW LEVEL SECURITY`)
      assert.match(await refusal(reader), /^4 Service orders cannot be verified.*row-level security/)
    })
  })
})

test('verify leaves nothing behind, neither in the databases nor in the broker, and can be interrupted', async () => {
  await withShop(async (made) => {
    await inShop(made, 'orders', `UPDATE public."Line" SET article = article || 'x'`)
    const interrupted = new AbortController()
    const reason = new Error('Ctrl-C')
    const stopped = verify(made, { limit: 10, signal: interrupted.signal }, ({ type }) => {
      if (type === 'log-rows-read') interrupted.abort(reason)
    })
    await stopped.then(
      () => assert.unreachable(),
      (error: unknown) => assert.is(error, reason),
    )
    await verifyShop(made)
    await withNats(made.nats, 'test', async (connection) => {
      const manager = await connection.jetstreamManager()
      const { state } = await manager.streams.info(streamName(made.prefix, 'orders'))
      assert.is(state.consumer_count, 0)
    })
    const [orders] = made.services.slice(1)
    await runSql(
      orders?.database.url ?? '',
      `DO $$ BEGIN
         PERFORM pg_sleep(0.2);
         ASSERT NOT EXISTS (SELECT FROM pg_class WHERE relname LIKE 'scission!_%' ESCAPE '!' AND relpersistence = 't');
         ASSERT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()) = 1;
       END $$`,
    )
  })
})

test.run()
