import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type NatsCluster, sharedNatsCluster } from '../nats-cluster.ts'
import { assertDense, numbered, textsOf, type TestLog, withLog, write } from './with-log.ts'

/** As the streams of the log have it: a replica that comes back does not remember an older message's id. */
const REPLICATED = { num_replicas: 3, duplicate_window: 1_000_000_000 }

const withCluster = sharedNatsCluster(2)

/** The writers reach the cluster by its first node alone. */
function withReplicatedLog(use: (log: TestLog, cluster: NatsCluster) => Promise<void>): Promise<void> {
  return withCluster(async (cluster) => {
    await withLog(cluster.nodes[0].url, REPLICATED, async (log) => {
      await cluster.untilWhole(log.stream)
      await use(log, cluster)
    })
  })
}

/** What each node holds, asked as the stream's leader: a consumer may read from any of them. */
async function textsOfEach(cluster: NatsCluster, log: TestLog): Promise<Map<string, string[]>> {
  const texts = new Map<string, string[]>()
  while (texts.size < cluster.nodes.length) {
    const { name } = await cluster.leaderOf(log.stream)
    if (!texts.has(name)) texts.set(name, await textsOfLeader(cluster, log))
    await cluster.moveLeader(log.stream)
  }
  return texts
}

async function textsOfLeader(cluster: NatsCluster, { stream }: TestLog): Promise<string[]> {
  return await cluster.ask(async (manager) => {
    const { state } = await manager.streams.info(stream)
    const sequences = Array.from({ length: state.last_seq }, (_, index) => index + 1)
    const messages = await Promise.all(sequences.map(async (seq) => await manager.streams.getMessage(stream, { seq })))
    return messages.map(({ data }) => Buffer.from(data).toString())
  })
}

test('each replica holds all that was acknowledged, also one that was killed and came back', () =>
  withReplicatedLog(async (log, cluster) => {
    const [, , third] = cluster.nodes
    while ((await cluster.leaderOf(log.stream)) === third) await cluster.moveLeader(log.stream)
    const writer = await log.writer()
    await write(writer, log, numbered(1, 50))
    await third.kill()
    // Longer than a broker remembers ids.
    await sleep(1_500)
    await third.start()
    for (let number = 51; number <= 60; number += 1) await write(writer, log, numbered(number, number))
    await cluster.untilWhole(log.stream)
    for (const [name, texts] of await textsOfEach(cluster, log)) assert.equal(texts, numbered(1, 60), `node ${name}`)
  }))

test('of two writers from the same position to a stream with replicas one wins, without a message in between', () =>
  withReplicatedLog(async (log, cluster) => {
    const writers = [await log.writer(), await log.writer()]
    const results = await Promise.allSettled(
      writers.map(async (writer) => {
        await write(writer, log, numbered(1, 200))
      }),
    )
    assert.is(results.filter(({ status }) => status === 'fulfilled').length, 1)
    const messages = await log.read()
    assert.is(new Set(messages.map(({ writer }) => writer)).size, 1)
    assertDense(messages)
    assert.equal(textsOf(messages), numbered(1, 200))
    for (const [name, texts] of await textsOfEach(cluster, log)) assert.equal(texts, numbered(1, 200), `node ${name}`)
  }))

test.run()
