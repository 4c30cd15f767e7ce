import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { addDigests, digestFromSums, digestText, EMPTY_DIGEST } from '../../contracts/digest.ts'
import { controlSubject, streamName } from '../../contracts/subjects.ts'
import { decodeMessage } from '../../contracts/wire/decode-message.ts'
import type { EntityTotals } from '../../contracts/wire/message.ts'
import { withNats } from '../../infra/nats/connect.ts'
import { streamConfiguration } from '../../infra/nats/stream-settings.ts'
import { digestSql } from '../../infra/postgres/digest-sql.ts'
import { type PostgresTarget, withSession } from '../../infra/postgres/session.ts'
import { publishSnapshot } from '../../publisher/publish-snapshot.ts'
import hostile from '../hostile/contract-set.ts'
import { createHostileMonolith } from '../hostile/monolith.ts'
import { withDatabase, withPrefix } from '../with-servers.ts'

test('a monolith of every type and name, with settings of its own, is published with the digests of its tables', () =>
  withDatabase(async (url) => {
    await createHostileMonolith(url)
    await withPrefix(async (prefix, shared) => {
      const nats = { url: shared.url, credentialsFile: null, caFile: null }
      const monolith: PostgresTarget = { title: 'the monolith', variable: 'MONOLITH_DATABASE_URL', url }
      await withNats(nats, 'test', async (connection) => {
        const { streams } = await connection.jetstreamManager()
        for (const { name } of hostile.services) await streams.add(streamConfiguration(prefix, name, 1))
      })
      const signal = new AbortController().signal
      const options = {
        withSlot: false,
        newEpoch: false,
        withoutKeeper: true,
        readers: 3,
        pageBytes: 20_000,
        maxOutageMs: 10_000,
        signal,
      }
      const outcome = await publishSnapshot({ set: hostile, prefix, monolith, nats }, options, () => undefined)
      assert.is(outcome.outcome, 'closed')
      for (const service of hostile.services) {
        const published = await readTotals(nats, prefix, service.name)
        for (const entity of service.entities) {
          const totals = published.find((other) => other.entity === entity.name)
          const { rows, digest } = await withSession(monolith, { purpose: 'test' }, async (client) => {
            const { rows: sums } = await client.query<Parameters<typeof digestFromSums>[0]>(digestSql(entity))
            const whole = sums.map(digestFromSums).reduce(addDigests, EMPTY_DIGEST)
            return { rows: whole.rows, digest: digestText(whole) }
          })
          assert.equal([totals?.rows, totals?.digest], [rows, digest], `${service.name}.${entity.name}`)
        }
      }
    })
  }))

async function readTotals(
  nats: Parameters<typeof withNats>[0],
  prefix: string,
  service: string,
): Promise<readonly EntityTotals[]> {
  return await withNats(nats, 'test', async (connection) => {
    const { streams } = await connection.jetstreamManager()
    const last = { last_by_subj: controlSubject(prefix, service, 'manifest') }
    const manifest = decodeMessage((await streams.getMessage(streamName(prefix, service), last)).data)
    if (manifest.kind !== 'control' || manifest.control !== 'manifest') throw new Error('It is no manifest')
    return manifest.entities
  })
}

test.run()
