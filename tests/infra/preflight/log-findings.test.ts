import { connect, DiscardPolicy, type JetStreamManager, RetentionPolicy, StorageType } from 'nats'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { withEmbeddedNats } from '../../../infra/embedded/nats-server.ts'
import { streamConfiguration } from '../../../infra/nats/stream-settings.ts'
import { accountHasRoom, subjectsOverlap } from '../../../infra/preflight/check-log.ts'
import type { LogState, PreflightContext } from '../../../infra/preflight/context.ts'
import type { Deployment } from '../../../infra/preflight/deployment.ts'
import { findingsOf, lineOf } from './findings-of.ts'
import { withShop } from './shop.ts'

test('every unsafe setting of an existing stream is named in one finding', () =>
  withShop(async ({ deployment }) => {
    await withManager(deployment, async (manager) => {
      const name = `${deployment.prefix.toUpperCase()}_PEOPLE`
      await manager.streams.add({
        name,
        subjects: [`${deployment.prefix}.people.>`, `${deployment.prefix}.more`],
        retention: RetentionPolicy.Limits,
        storage: StorageType.Memory,
        discard: DiscardPolicy.Old,
        max_age: 60_000_000_000,
        max_msgs: 10,
        max_msgs_per_subject: 1,
        max_msg_size: 1000,
        max_bytes: 1_000_000,
        allow_rollup_hdrs: true,
      })
    })
    const findings = await findingsOf(deployment)
    assert.is(findings.length, 2)
    for (const setting of [
      'discard old',
      'storage memory',
      'deny_delete false',
      'deny_purge false',
      'allow_rollup_hdrs',
      'max_age 60 s',
      'max_msgs 10',
      'max_msgs_per_subject 1',
      'max_msg_size 1000',
      'subjects ',
    ])
      assert.ok(findings[0]?.includes(setting), `${setting}\n${findings[0]}`)
    assert.match(
      findings[0] ?? '',
      /^error stream-settings, NATS: Stream \w+_PEOPLE exists with settings by which the log could lose messages: /,
    )
    assert.match(
      findings[1] ?? '',
      /^warning stream-settings, NATS: Stream \w+_PEOPLE exists with max_bytes 1000000 .*; no compression/,
    )
  }))

test('a stream as Scission makes it, or one that its operator bounded, is accepted', () =>
  withShop(async ({ deployment }) => {
    await withManager(deployment, async (manager) => {
      await manager.streams.add(streamConfiguration(deployment.prefix, 'people', 1))
      await manager.streams.add({ ...streamConfiguration(deployment.prefix, 'orders', 1), max_bytes: 50_000_000 })
    })
    const findings = await findingsOf(deployment)
    assert.is(findings.length, 1)
    assert.match(findings[0] ?? '', /^warning stream-settings, NATS: Stream \w+_ORDERS exists with max_bytes 50000000/)
  }))

// On a broker of its own: one of the patterns takes subjects of other tests too.
test("another's stream that takes our subjects is named, whatever its pattern", () =>
  withShop(({ deployment: { nats, ...shop } }) =>
    withEmbeddedNats({}, async ({ url }) => {
      const deployment = { ...shop, nats: { ...nats, url } }
      const { prefix } = deployment
      for (const subject of [`${prefix}.>`, `${prefix}.*.control.*`, `*.people.snapshot.Tag`, `${prefix}.people.x`])
        await withManager(deployment, async (manager) => {
          const name = `${prefix}_other`
          // The first star may stand for the API's own prefix, which later brokers allow only where nothing is acknowledged.
          await manager.streams.add({ name, subjects: [subject], no_ack: true })
          const findings = await findingsOf(deployment)
          assert.ok(findings.length >= 1, subject)
          const text = `error subjects, NATS: Stream ${name} already takes subjects of service people (${subject}).`
          assert.ok(findings[0]?.startsWith(text), findings[0])
          await manager.streams.delete(name)
        })
    }),
  ))

test('subjects overlap where one message could match both', () => {
  const pairs: [string, string, boolean][] = [
    ['a.b.>', 'a.b.>', true],
    ['a.>', 'a.b.>', true],
    ['a.b', 'a.b.>', false],
    ['a.*.c', 'a.b.>', true],
    ['*.*', 'a.b.>', false],
    ['*.b.c', 'a.b.>', true],
    ['>', 'a.b.>', true],
    ['a.c.>', 'a.b.>', false],
    ['ab.>', 'a.b.>', false],
  ]
  for (const [left, right, expected] of pairs) {
    assert.is(subjectsOverlap(left, right), expected, `${left} ${right}`)
    assert.is(subjectsOverlap(right, left), expected, `${right} ${left}`)
  }
})

test('replicas on a server that is in no cluster, and a small max_payload, are refused', () =>
  withShop(async ({ deployment }) => {
    assert.match(
      (await findingsOf({ ...deployment, replicas: 3 })).join(),
      /^error replicas, NATS: 3 replicas are configured \(SCISSION_REPLICAS\)/,
    )
    await withEmbeddedNats({ maxPayloadBytes: 32 * 1024 }, async ({ url }) => {
      const findings = await findingsOf({ ...deployment, nats: { ...deployment.nats, url } })
      assert.equal(findings, [
        'error max-payload, NATS: max_payload is 32768 bytes: pages of rows need at least 65536. ' +
          'Raise max_payload in the configuration of the server; 1 MiB is its default.',
      ])
    })
  }))

test('an account without room for the streams or for the rows is refused', () => {
  const unlimited = { max_streams: -1, max_storage: -1 }
  assert.equal(roomFindings(unlimited, 0), [])
  assert.match(
    roomFindings({ max_streams: 5, max_storage: -1 }, 4).join(),
    /^error account, NATS: The account may have 5 streams and has 4: 2 more are needed\./,
  )
  assert.equal(roomFindings({ max_streams: 6, max_storage: -1 }, 4), [])
  assert.match(
    roomFindings({ max_streams: -1, max_storage: 1_000 }, 0).join(),
    /^error account, NATS: The account has room for 1000 bytes/,
  )
  assert.match(
    roomFindings({ max_streams: -1, max_storage: 30_000 }, 0).join(),
    /^warning account, NATS: The account has room for 30000 bytes \(max_storage\), and the monolith's tables take about 100000/,
  )
  assert.equal(roomFindings({ max_streams: -1, max_storage: 100_001 }, 0), [])
  assert.match(
    roomFindings({ ...unlimited, max_bytes_required: true }, 0).join(),
    /^error account, NATS: The account allows only streams that are bounded/,
  )
})

/** The findings for two services' streams, none of them made yet, and tables of 100,000 bytes. */
function roomFindings(limits: Readonly<Record<string, number | boolean>>, streams: number): string[] {
  const context = {
    deployment: { replicas: 1, services: [{}, {}] },
    monolith: { catalog: { tables: new Map([['t', { estimatedBytes: 100_000 }]]) } },
    log: { account: { limits, streams, storage: 0 }, streams: new Map() } as unknown as LogState,
  } as unknown as PreflightContext
  return accountHasRoom(context).map(lineOf)
}

async function withManager(deployment: Deployment, use: (manager: JetStreamManager) => Promise<void>): Promise<void> {
  const { host, username, password } = new URL(deployment.nats.url)
  const connection = await connect({ servers: host, user: username, pass: decodeURIComponent(password) })
  try {
    await use(await connection.jetstreamManager())
  } finally {
    await connection.close()
  }
}

test.run()
