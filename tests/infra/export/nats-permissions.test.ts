// deadline: 180 s
import { setTimeout as delay } from 'node:timers/promises'
import { AckPolicy, connect, type ConsumerConfig, nanos, type NatsConnection, NatsError } from 'nats'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { snapshotSubject, streamName } from '../../../contracts/subjects.ts'
import { natsPermissions } from '../../../infra/export/nats-permissions.ts'
import { ensureStream } from '../../../infra/nats/ensure-stream.ts'
import { runCommand } from '../../command-line/run-command.ts'
import { withFolder } from '../../command-line/shop.ts'
import { shop, withShop } from '../preflight/shop.ts'
import { uniquePrefix } from '../../with-servers.ts'
import { contractsOf } from './contract-module.ts'
import { type PermittedNats, withPermittedNats } from './with-permitted-nats.ts'

async function withConnection<Result>(
  url: string,
  use: (connection: NatsConnection) => Promise<Result>,
): Promise<Result> {
  const { host, username, password } = new URL(url)
  const connection = await connect({ servers: host, user: username, pass: password })
  // What the server refuses for want of permission it says to nobody in particular.
  void connection.closed().then(() => undefined)
  try {
    return await use(connection)
  } finally {
    await connection.close()
  }
}

/** Whether the broker refuses what a client asks: by no answer, by saying so, or by finding nobody who answers. */
async function isRefused(action: () => Promise<unknown>): Promise<boolean> {
  return await action().then(
    () => false,
    (error: unknown) => {
      if (!(error instanceof NatsError)) throw error
      return error.api_error === undefined || error.api_error.err_code === 10_008
    },
  )
}

async function succeed(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<void> {
  const { exitCode, stderr } = await runCommand(args, { environment })
  if (exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${exitCode}: ${stderr}`)
}

test('with the exported permissions each user does its own work, and nothing else', async () => {
  const prefix = uniquePrefix()
  await withPermittedNats(shop, prefix, (nats) =>
    withShop(({ urls }) =>
      withFolder(async (folder) => {
        const environment = {
          MONOLITH_DATABASE_URL: urls.monolith,
          PEOPLE_DATABASE_URL: urls.people,
          ORDERS_DATABASE_URL: urls.orders,
          SCISSION_PREFIX: prefix,
          SCISSION_CONTRACTS: await contractsOf(folder, shop),
        }
        await succeed(['prepare', '--no-slot', '--yes'], { ...environment, NATS_URL: nats.operator })
        await succeed(['publish', '--snapshot-only', '--no-slot'], { ...environment, NATS_URL: nats.publisher })
        for (const { name } of shop.services)
          await succeed(['consume', name, '--until-caught-up'], { ...environment, NATS_URL: nats.service(name) })
        await succeed(['verify', 'people'], { ...environment, NATS_URL: nats.service('people') })
        await succeed(['verify'], { ...environment, NATS_URL: nats.operator })
        await assertReaderIsBound(nats, prefix)
        await assertOthersAreBound(nats, prefix)
      }),
    ),
  )
})

/** A service's user, by a plain client. */
async function assertReaderIsBound(nats: PermittedNats, prefix: string): Promise<void> {
  const [own, other] = [streamName(prefix, 'people'), streamName(prefix, 'orders')]
  const before = await streamEnds(nats, [own, other])
  await withConnection(nats.service('people'), async (connection) => {
    const manager = await connection.jetstreamManager()
    assert.ok((await manager.streams.info(own)).state.messages > 0, 'it reads its own stream')
    assert.ok((await manager.streams.getMessage(own, { seq: 1 })).data.length > 0)
    const refused: Readonly<Record<string, () => Promise<unknown>>> = {
      "another stream's end": () => manager.streams.info(other),
      "another stream's messages": () => manager.streams.getMessage(other, { seq: 1 }),
      'a reader of another stream': () => manager.consumers.add(other, { ack_policy: AckPolicy.None }),
      'the list of streams': () => manager.streams.list().next(),
      'a message in its own stream': () => connection.jetstream().publish(snapshotSubject(prefix, 'people', 'Person')),
      'a message in another stream': () => connection.jetstream().publish(snapshotSubject(prefix, 'orders', 'Order')),
      'the deletion of a message': () => manager.streams.deleteMessage(own, 1),
      'the purge of its stream': () => manager.streams.purge(own),
      'the deletion of its stream': () => manager.streams.delete(own),
      'a change of its stream': () => manager.streams.update(own, { deny_delete: false }),
      'a new stream': () => manager.streams.add({ name: `${own}_2`, subjects: [`${prefix}.x.>`] }),
    }
    for (const [what, action] of Object.entries(refused)) assert.ok(await isRefused(action), what)
    await pushIntoOther(connection, prefix)
  })
  assert.equal(await streamEnds(nats, [own, other]), before, 'nothing was written')
}

/** What a reader asks for that names another stream's subjects, or the API's, for its messages and its heartbeats. */
async function pushIntoOther(connection: NatsConnection, prefix: string): Promise<void> {
  const targets = [
    snapshotSubject(prefix, 'orders', 'Order'),
    ...['people', 'orders'].map((service) => `$JS.API.STREAM.DELETE.${streamName(prefix, service)}`),
  ]
  for (const target of targets) {
    await haveDelivered(connection, prefix, target, {})
    await haveDelivered(connection, prefix, target, { filter_subject: `${prefix}.people.nothing` })
  }
  await delay(HEARTBEATS_MS)
}

/** Long enough for two of the heartbeats, of which the broker sends one a second at most. */
const HEARTBEATS_MS = 2_500

/** A reader of the stream people that is to be sent messages, and while there are none a heartbeat each second. */
async function haveDelivered(
  connection: NatsConnection,
  prefix: string,
  deliver: string,
  config: Partial<ConsumerConfig>,
): Promise<void> {
  const stream = streamName(prefix, 'people')
  const wanted = { ack_policy: AckPolicy.None, idle_heartbeat: nanos(1_000), deliver_subject: deliver, ...config }
  const asked = JSON.stringify({ stream_name: stream, config: wanted })
  const answer = await connection.request(`$JS.API.CONSUMER.CREATE.${stream}`, asked, { timeout: 5_000 })
  assert.not.ok(answer.json<{ error?: unknown }>().error, `the broker makes the reader that delivers to ${deliver}`)
}

async function streamEnds(nats: PermittedNats, streams: readonly string[]): Promise<number[]> {
  return await withConnection(nats.operator, async (connection) => {
    const manager = await connection.jetstreamManager()
    return await Promise.all(streams.map(async (stream) => (await manager.streams.info(stream)).state.last_seq))
  })
}

async function assertOthersAreBound(nats: PermittedNats, prefix: string): Promise<void> {
  const stream = streamName(prefix, 'people')
  const subject = snapshotSubject(prefix, 'people', 'Person')
  await withConnection(nats.operator, async (connection) => {
    assert.ok(await isRefused(() => connection.jetstream().publish(subject)), 'the operator writes nothing')
  })
  await withConnection(nats.publisher, async (connection) => {
    const manager = await connection.jetstreamManager()
    assert.ok(await isRefused(() => manager.streams.delete(stream)), 'the publisher deletes nothing')
    assert.ok(await isRefused(() => manager.streams.purge(stream)), 'nor purges')
    assert.ok(await isRefused(() => manager.streams.update(stream, { deny_purge: false })), 'nor changes')
    assert.ok(await isRefused(() => connection.jetstream().publish(`${prefix}.other.x`)), 'nor writes elsewhere')
  })
  await assertRepliesAreApart(nats, prefix)
}

/** Whoever listens to every inbox must hear nothing of what another user reads. */
async function assertRepliesAreApart(nats: PermittedNats, prefix: string): Promise<void> {
  await withConnection(nats.service('orders'), async (listener) => {
    const heard: string[] = []
    listener.subscribe('_INBOX.>', { callback: (_, message) => void heard.push(message.subject) })
    await listener.flush()
    await withConnection(nats.service('people'), async (reader) => {
      const manager = await reader.jetstreamManager()
      await manager.streams.getMessage(streamName(prefix, 'people'), { seq: 1 })
    })
    await withConnection(nats.operator, async (operator) => void (await operator.jetstreamManager()))
    await listener.flush()
    assert.equal(heard, [])
  })
}

test('a known limit: what somebody in the account of the log listens to by its exact name, a service can have written', async () => {
  const prefix = uniquePrefix()
  const [own, other] = [streamName(prefix, 'people'), streamName(prefix, 'orders')]
  const subject = snapshotSubject(prefix, 'orders', 'Order')
  const deletion = `$JS.API.STREAM.DELETE.${other}`
  const alsoListening = (permissions: string): string =>
    permissions.replaceAll("['_INBOX.>']", `['_INBOX.>', '${subject}', '${deletion}']`)
  const tryIt = async (nats: PermittedNats): Promise<void> =>
    await withConnection(nats.operator, async (operator) => {
      const manager = await operator.jetstreamManager()
      for (const name of ['people', 'orders'])
        await ensureStream(manager, { prefix, service: name, replicas: 1, messageBytes: 1_048_576 })
      const listen = async (exactly: string): Promise<void> => {
        operator.subscribe(exactly, { callback: () => undefined })
        await operator.flush()
      }
      await withConnection(nats.service('people'), async (reader) => {
        await listen(subject)
        await haveDelivered(reader, prefix, subject, { filter_subject: `${prefix}.people.nothing` })
        await delay(HEARTBEATS_MS)
        assert.ok((await manager.streams.info(other)).state.messages > 0, 'its heartbeats are in the other stream')
        assert.is((await manager.streams.getMessage(other, { seq: 1 })).data.length, 0)
        await listen(deletion)
        await haveDelivered(reader, prefix, deletion, { filter_subject: `${prefix}.people.nothing` })
        await delay(HEARTBEATS_MS)
      })
      assert.equal(await manager.streams.names().next(), [own])
    })
  await withPermittedNats(shop, prefix, tryIt, alsoListening)
})

test('the permissions name no password, and as many users as there are services, and two more', () => {
  const permissions = natsPermissions({ set: shop, prefix: 'shop' })
  const users = [...permissions.matchAll(/user: '([^']+)'/g)].map(([, user]) => user)
  assert.equal(users, ['shop-publisher', 'shop-operator', 'shop_people', 'shop_orders'])
  for (const [, password] of permissions.matchAll(/password: (.+)/g)) assert.match(password ?? '', /^\$[A-Z_]+$/)
})

test.run()
