// deadline: 180 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { NatsError } from 'nats'
import { connectNats } from '../../infra/nats/connect.ts'
import { readStream } from '../../infra/nats/stream-leader.ts'
import { type ClusterNode, type NatsCluster, sharedNatsCluster } from '../nats-cluster.ts'
import { urlByWayOf, withTcpProxy } from '../tcp-proxy.ts'
import { failureOf, inTime, textsOf, type TestLog, type TestWriter, withLog, write } from './with-log.ts'

const withCluster = sharedNatsCluster(4)

interface Scene {
  readonly cluster: NatsCluster
  readonly log: TestLog
  /** Reaches the cluster by its first node alone. */
  readonly zombie: TestWriter
  /** Its messages, and the answers to them, stay on their way meanwhile. */
  hold(isHeld: boolean): void
  /** Another publisher takes over, by way of the other nodes, and writes. */
  succeed(): Promise<void>
}

const SETTINGS = { num_replicas: 3, duplicate_window: 1_000_000_000 }
const [ZOMBIE, LATE, SUCCESSOR] = ['of the zombie', 'too late', 'of the successor']

/** A publisher that has written, and does not know yet that another takes its place. In the end its late message is nowhere. */
function withZombie(use: (scene: Scene) => Promise<void>): Promise<void> {
  return withCluster(async (cluster) => {
    const [first, ...others] = cluster.nodes
    await withTcpProxy(first.port, async (proxy) => {
      const url = urlByWayOf(first.url, proxy)
      await withLog(
        url,
        SETTINGS,
        async (log) => {
          await cluster.untilWhole(log.stream)
          const zombie = await log.writer()
          await write(zombie, log, [ZOMBIE])
          const succeed = async (): Promise<void> => await writeBy(others, log)
          try {
            await use({ cluster, log, zombie, hold: (isHeld) => proxy.hold(isHeld), succeed })
          } finally {
            // What a test that failed leaves must not fail the next.
            for (const node of cluster.nodes) await node.start()
          }
          await cluster.untilWhole(log.stream)
          assert.equal(textsOf(await log.read()), [ZOMBIE, SUCCESSOR])
        },
        first.url,
      )
    })
  })
}

async function writeBy(nodes: readonly ClusterNode[], log: TestLog): Promise<void> {
  const url = nodes.map((node) => node.url).join(',')
  const connection = await connectNats({ url, credentialsFile: null, caFile: null }, 'test')
  try {
    await inTime(20_000, write(await log.writer({ connection }), log, [SUCCESSOR]))
  } finally {
    await connection.close()
  }
}

async function assertFenced({ log, zombie }: Scene): Promise<void> {
  const failure = await failureOf(inTime(30_000, zombie.flush()))
  assert.is(failure.exitCode, 4)
  assert.is(
    failure.message,
    `Another publisher wrote message 2 of stream ${log.stream}: a stream has one writer, so this one ends; see which publisher is to go on, and stop the other.`,
  )
  assert.is((await failureOf(zombie.append(log.subject, Buffer.from('more'), 'more'))).message, failure.message)
}

async function lead(cluster: NatsCluster, { stream }: TestLog, isWanted: (node: ClusterNode) => boolean) {
  let leader = await cluster.leaderOf(stream)
  while (!isWanted(leader)) leader = await cluster.moveLeader(stream)
  return leader
}

test('a message that arrives after the leader was killed and another publisher took over is refused', () =>
  withZombie(async (scene) => {
    const { cluster, hold, log, succeed, zombie } = scene
    const leader = await lead(cluster, log, (node) => node !== cluster.nodes[0])
    hold(true)
    await zombie.append(log.subject, Buffer.from(LATE), LATE)
    await leader.kill()
    await cluster.leaderOf(
      log.stream,
      cluster.nodes.filter((node) => node !== leader),
    )
    await succeed()
    await leader.start()
    hold(false)
    await assertFenced(scene)
  }))

test('a message that arrives after the leader was moved and another publisher took over is refused', () =>
  withZombie(async (scene) => {
    const { cluster, hold, log, succeed, zombie } = scene
    hold(true)
    await zombie.append(log.subject, Buffer.from(LATE), LATE)
    await cluster.moveLeader(log.stream)
    await succeed()
    await cluster.moveLeader(log.stream)
    hold(false)
    await assertFenced(scene)
  }))

test('a message that a leader without a majority took in is nowhere once the network is whole again', () =>
  withZombie(async (scene) => {
    const { cluster, log, succeed, zombie } = scene
    const [first, ...others] = cluster.nodes
    await lead(cluster, log, (node) => node === first)
    first.isolate(true)
    try {
      await zombie.append(log.subject, Buffer.from(LATE), LATE)
      await cluster.leaderOf(log.stream, others)
      await succeed()
      const seen = await readStream(log.manager, log.stream).catch((error: unknown) => error)
      // It may have noticed by now that it leads nobody, and then does not answer.
      assert.instance(seen, NatsError, 'the lonely leader was believed')
    } finally {
      first.isolate(false)
    }
    await assertFenced(scene)
  }))

test('a message that arrives while no majority is there is refused when there is one again, and others were before it', () =>
  withZombie(async (scene) => {
    const { cluster, hold, log, succeed, zombie } = scene
    const [, second, third] = cluster.nodes
    hold(true)
    await zombie.append(log.subject, Buffer.from(LATE), LATE)
    await succeed()
    await Promise.all([second.kill(), third.kill()])
    hold(false)
    await sleep(1_000)
    await Promise.all([second.start(), third.start()])
    await assertFenced(scene)
  }))

test.run()
