import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NatsConnection } from 'nats'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseStreamSequence } from '../../../contracts/positions.ts'
import { withEmbeddedNats } from '../../../infra/embedded/nats-server.ts'
import { connectNats } from '../../../infra/nats/connect.ts'
import { createWaitOut } from '../../../infra/nats/outage.ts'
import { type LogMessage, readLog, type ReadLogOptions } from '../../../infra/nats/read-log.ts'
import { withRestartableNats } from '../../publisher/restartable-nats.ts'
import { failureOf, inTime, numbered, textsOf, type TestLog, withLog, write } from '../../publisher/with-log.ts'
import { urlByWayOf, withTcpProxy } from '../../tcp-proxy.ts'
import { withNats } from '../../with-servers.ts'

function withSharedLog<Result>(use: (log: TestLog, url: string) => Promise<Result>): Promise<Result> {
  return withNats(async ({ url }) => await withLog(url, {}, async (log) => await use(log, url)))
}

/** Reads until so many messages have come. */
async function readSome(
  connection: NatsConnection,
  stream: string,
  count: number,
  options: Partial<ReadLogOptions> = {},
): Promise<LogMessage[]> {
  const messages: LogMessage[] = []
  for await (const item of readLog(connection, stream, { from: parseStreamSequence(1), ...options })) {
    if (item.kind === 'message') messages.push(item)
    if (messages.length === count) break
  }
  return messages
}

async function fill({ writer, ...log }: TestLog, texts: readonly string[]): Promise<void> {
  await write(await writer(), { ...log, writer }, texts)
}

test('a log is read from a sequence on, in order, with what its headers say', () =>
  withSharedLog(async (log) => {
    await fill(log, numbered(1, 300))
    const messages = await readSome(log.connection, log.stream, 290, { from: parseStreamSequence(11) })
    assert.equal(textsOf(messages), numbered(11, 300))
    const [first] = messages
    assert.equal(
      [first?.sequence, first?.epoch, first?.number, first?.subject, first?.writer.length],
      [11, 1, 11, log.subject, 36],
    )
  }))

test('what is written later is read too, and a second without anything is told', () =>
  withSharedLog(async (log) => {
    await fill(log, ['first'])
    const seen: string[] = []
    for await (const item of readLog(log.connection, log.stream, { from: parseStreamSequence(1) })) {
      seen.push(item.kind === 'idle' ? 'idle' : String(Buffer.from(item.payload)))
      if (seen.length === 2) await fill(log, ['second'])
      if (item.kind === 'message' && seen.length > 2) break
    }
    assert.equal(seen, ['first', 'idle', 'second'])
  }))

test('nothing of a reader is left in the broker after it', () =>
  withSharedLog(async (log) => {
    await fill(log, numbered(1, 3))
    await readSome(log.connection, log.stream, 2)
    assert.is((await log.manager.streams.info(log.stream)).state.consumer_count, 0)
  }))

test('messages of some subjects are read without the others', () =>
  withSharedLog(async (log) => {
    const other = `${log.prefix}.till.control.epoch`
    const writer = await log.writer()
    for (const text of numbered(1, 20)) {
      await writer.append(log.subject, Buffer.from(text), text)
      await writer.append(other, Buffer.from(`other ${text}`), text)
    }
    await writer.flush()
    assert.equal(textsOf(await readSome(log.connection, log.stream, 20, { subjects: [log.subject] })), numbered(1, 20))
  }))

test('a message that was removed from the middle ends the reading', () =>
  withSharedLog(async (log) => {
    await fill(log, numbered(1, 20))
    await log.manager.streams.deleteMessage(log.stream, 8)
    const failure = await failureOf(inTime(15_000, readSome(log.connection, log.stream, 20)))
    assert.is(failure.exitCode, 4)
    assert.match(
      failure.message,
      `Stream ${log.stream} does not hold its message 8: messages were removed from the log`,
    )
  }))

test('a log whose beginning was purged ends the reading', () =>
  withSharedLog(async (log) => {
    await fill(log, numbered(1, 20))
    await log.manager.streams.purge(log.stream, { seq: 5 })
    const failure = await failureOf(inTime(15_000, readSome(log.connection, log.stream, 20)))
    assert.match(failure.message, `Stream ${log.stream} does not hold its message 1: messages were removed`)
  }))

test('a log that ends before what was read ends the reading', () =>
  withSharedLog(async (log) => {
    await fill(log, numbered(1, 5))
    const failure = await failureOf(
      inTime(15_000, readSome(log.connection, log.stream, 1, { from: parseStreamSequence(9) })),
    )
    assert.match(failure.message, `Stream ${log.stream} ends at message 5, and message 8 was read before`)
  }))

test('a stream that is not there is a failure with a sentence', () =>
  withSharedLog(async (log) => {
    const failure = await failureOf(readSome(log.connection, `${log.stream}_NONE`, 1))
    assert.is(failure.exitCode, 4)
    assert.match(failure.message, `There is no stream ${log.stream}_NONE`)
  }))

test('connections that break while the log is read lose and repeat nothing', () =>
  withSharedLog(async (log, url) => {
    await fill(
      log,
      numbered(1, 500).map((text) => text.padEnd(4_000)),
    )
    await withTcpProxy(Number(new URL(url).port), async (proxy) => {
      const connection = await connectNats({ url: urlByWayOf(url, proxy), credentialsFile: null, caFile: null }, 'test')
      try {
        const cuts = [7, 150, 151, 420]
        const texts: string[] = []
        const reading = (async () => {
          for await (const item of readLog(connection, log.stream, { from: parseStreamSequence(1) })) {
            if (item.kind === 'idle') continue
            texts.push(Buffer.from(item.payload).toString().trimEnd())
            if (cuts.includes(item.sequence)) proxy.cut()
            if (texts.length === 500) break
          }
        })()
        await inTime(25_000, reading)
        assert.equal(texts, numbered(1, 500))
      } finally {
        await connection.close()
      }
    })
  }))

test('a connection that breaks loses nothing of single subjects either, whose sequences have holes anyway', () =>
  withSharedLog(async (log, url) => {
    const writer = await log.writer()
    for (const text of numbered(1, 300)) {
      await writer.append(log.subject, Buffer.from(text.padEnd(2_000)), text)
      await writer.append(`${log.prefix}.till.control.epoch`, Buffer.from('other'), text)
    }
    await writer.flush()
    await withTcpProxy(Number(new URL(url).port), async (proxy) => {
      const connection = await connectNats({ url: urlByWayOf(url, proxy), credentialsFile: null, caFile: null }, 'test')
      try {
        const texts: string[] = []
        const options = { from: parseStreamSequence(1), subjects: [log.subject] }
        const reading = (async () => {
          for await (const item of readLog(connection, log.stream, options)) {
            if (item.kind === 'idle') continue
            texts.push(Buffer.from(item.payload).toString().trimEnd())
            if (texts.length === 50 || texts.length === 180) {
              // What the broker has sent meanwhile goes down with the connection.
              proxy.swallowReplies(true)
              setTimeout(() => {
                proxy.cut()
                proxy.swallowReplies(false)
              }, 50)
            }
            if (texts.length === 300) break
          }
        })()
        await inTime(25_000, reading)
        assert.equal(texts, numbered(1, 300))
      } finally {
        await connection.close()
      }
    })
  }))

test('a broker that is killed while the log is read is waited for, which is said once, and the reading goes on', () =>
  withRestartableNats(
    async (nats) =>
      await withLog(nats.url, {}, async (log) => {
        // Several times what may be on its way, so that most of it is still with the broker when that is killed.
        const sent = numbered(1, 500).map((text) => text.padEnd(65_536))
        await fill(log, sent)
        const notices: string[] = []
        const texts: string[] = []
        let starting: Promise<void> | undefined
        const notice = (text: string): void => {
          notices.push(text)
          starting ??= nats.start()
        }
        const reading = (async () => {
          for await (const item of readLog(log.connection, log.stream, { from: parseStreamSequence(1), notice })) {
            if (item.kind === 'idle') continue
            texts.push(Buffer.from(item.payload).toString())
            if (item.sequence === 50) await nats.stop('SIGKILL')
            if (texts.length === sent.length) break
          }
        })()
        await inTime(25_000, reading)
        await starting
        assert.ok(texts.length === sent.length && texts.every((text, index) => text === sent[index]))
        assert.is(
          notices.filter((text) => text.startsWith('NATS does not answer: waiting')).length,
          1,
          notices.join('\n'),
        )
        assert.equal(notices.slice(1), ['NATS answers again.'])
      }),
  ))

test('readers that wait for the broker together say once that it is away', () =>
  withRestartableNats(
    async (nats) =>
      await withLog(nats.url, {}, async (log) => {
        const { connection, stream } = log
        const sent = numbered(1, 3)
        await fill(log, sent)
        const notices: string[] = []
        let starting: Promise<void> | undefined
        const notice = (text: string): void => {
          notices.push(text)
          starting ??= nats.start()
        }
        const waitOut = createWaitOut(connection, { maxOutageMs: 20_000, notice, signal: new AbortController().signal })
        await nats.stop('SIGKILL')
        const readings = [1, 2, 3].map(async () => await readSome(connection, stream, sent.length, { waitOut }))
        for (const messages of await inTime(25_000, Promise.all(readings))) assert.equal(textsOf(messages), sent)
        await starting
        assert.is(
          notices.filter((text) => text.startsWith('NATS does not answer: waiting')).length,
          1,
          notices.join('\n'),
        )
        assert.equal(notices.slice(1), ['NATS answers again.'])
      }),
  ))

test('a broker that stays away for longer than is allowed ends the reading', () =>
  withRestartableNats(
    async (nats) =>
      await withLog(nats.url, {}, async (log) => {
        await fill(log, numbered(1, 3))
        const notices: string[] = []
        const notice = (text: string): void => void notices.push(text)
        const reading = readSome(log.connection, log.stream, 4, { maxOutageMs: 2_500, notice })
        const failing = failureOf(inTime(15_000, reading))
        await sleep(300)
        await nats.stop('SIGKILL')
        const failure = await failing
        assert.is(failure.exitCode, 5)
        assert.match(failure.message, 'NATS has not answered for 2.5 s')
        assert.is(notices.length, 1)
      }),
  ))

test('an aborted signal ends the reading at once, without an error', () =>
  withSharedLog(async (log) => {
    await fill(log, numbered(1, 3))
    const controller = new AbortController()
    const reading = readSome(log.connection, log.stream, 9, { signal: controller.signal })
    await sleep(300)
    controller.abort()
    assert.is((await inTime(500, reading)).length, 3)
  }))

test('messages that are larger than what is asked for at once are read', () =>
  withEmbeddedNats({ maxPayloadBytes: 20_000_000, syncAlways: false }, async ({ url }) => {
    await withLog(url, {}, async (log) => {
      const payloads = [randomBytes(12_000_000), randomBytes(100), randomBytes(19_000_000)]
      const writer = await log.writer()
      for (const [index, payload] of payloads.entries()) await writer.append(log.subject, payload, `${index}`)
      await writer.flush()
      // As where the server's limit was lowered after they were written.
      Object.assign(log.connection.info ?? {}, { max_payload: 1_000_000 })
      const messages = await inTime(20_000, readSome(log.connection, log.stream, 3))
      for (const [index, { payload }] of messages.entries()) assert.ok(payloads[index]?.equals(payload), `${index}`)
    })
  }))

test.run()
