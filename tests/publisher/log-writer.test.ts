import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeMessage } from '../../contracts/wire/decode-message.ts'
import { HEADER_RESERVE_BYTES } from '../../contracts/wire/headers.ts'
import { messageKind } from '../../contracts/wire/message-kind.ts'
import { PartAssembler } from '../../contracts/wire/parts.ts'
import { withEmbeddedNats } from '../../infra/embedded/nats-server.ts'
import { createByteWindow } from '../../infra/byte-window.ts'
import type { LogMessage } from '../../infra/nats/read-log.ts'
import { withNats } from '../with-servers.ts'
import { assertDense, failureOf, inTime, numbered, textsOf, type TestLog, withLog, write } from './with-log.ts'

const MAX_PAYLOAD_BYTES = 1_048_576

function withSharedLog<Result>(use: (log: TestLog) => Promise<Result>, settings: object = {}): Promise<Result> {
  return withNats(async ({ url }) => await withLog(url, settings, use))
}

test('messages that are sent before the first is acknowledged lie in the stream in order, with dense numbers', () =>
  withSharedLog(async (log) => {
    const writer = await log.writer()
    const stored: number[] = []
    for (let index = 1; index <= 1_000; index += 1)
      await writer.append(log.subject, Buffer.from(`message ${index}`), `${index}`, () => stored.push(index))
    await writer.flush()
    const messages = await log.read()
    assert.equal(textsOf(messages), numbered(1, 1_000))
    assertDense(messages)
    assert.ok(messages.every((message) => message.writer === writer.id && message.epoch === 1))
    assert.equal(
      stored,
      messages.map(({ number }) => number),
    )
  }))

test('a writer goes on behind what the stream holds', () =>
  withSharedLog(async (log) => {
    const first = await log.writer()
    await write(first, log, numbered(1, 10))
    const second = await log.writer()
    await write(second, log, numbered(11, 20))
    assert.equal(textsOf(await log.read()), numbered(1, 20))
  }))

test('a message of another writer ends the writer, and nothing of it follows', () =>
  withSharedLog(async (log) => {
    const writer = await log.writer()
    await write(writer, log, numbered(1, 10))
    await log.connection.jetstream().publish(log.subject, 'a stranger')
    const failure = await failureOf(inTime(10_000, write(writer, log, numbered(11, 20))))
    assert.is(failure.exitCode, 4)
    assert.match(failure.message, `Another publisher wrote message 11 of stream ${log.stream}`)
    assert.is((await failureOf(writer.append(log.subject, Buffer.from('more'), 'more'))).message, failure.message)
    assert.equal(log.failures, [failure], 'whoever reads for this stream is told at once')
    assert.equal(textsOf(await log.read()), [...numbered(1, 10), 'a stranger'])
  }))

test('of two writers from the same position one wins, and the other ends without a message in between', () =>
  withSharedLog(async (log) => {
    const writers = [await log.writer(), await log.writer()]
    const results = await Promise.allSettled(
      writers.map(async (writer) => {
        await write(writer, log, numbered(1, 200))
      }),
    )
    assert.is(results.filter(({ status }) => status === 'fulfilled').length, 1)
    const messages = await log.read()
    assert.is(new Set(messages.map(({ writer }) => writer)).size, 1)
    assert.equal(textsOf(messages), numbered(1, 200))
  }))

test('a zombie that wakes up after its successor writes nothing', () =>
  withSharedLog(async (log) => {
    const zombie = await log.writer()
    await write(zombie, log, ['of the zombie'])
    const successor = await log.writer()
    await write(successor, log, ['of the successor'])
    assert.match((await failureOf(write(zombie, log, ['too late']))).message, 'Another publisher wrote message 2')
    await write(successor, log, ['of the successor again'])
    assert.equal(textsOf(await log.read()), ['of the zombie', 'of the successor', 'of the successor again'])
  }))

test('payloads around the largest message arrive as they were, and so does one of 5 MB', () =>
  withSharedLog(async (log) => {
    await assertTravels(log, [
      ...around(MAX_PAYLOAD_BYTES - HEADER_RESERVE_BYTES),
      ...around(MAX_PAYLOAD_BYTES),
      5_000_000,
    ])
  }))

test('a server with a smaller largest message gets smaller parts', () =>
  withEmbeddedNats({ maxPayloadBytes: 20_000, syncAlways: false }, async ({ url }) => {
    await withLog(url, {}, async (log) => {
      await assertTravels(log, [...around(20_000 - HEADER_RESERVE_BYTES), ...around(20_000), 300_000])
      assert.ok((await log.read()).every(({ payload }) => payload.length <= 20_000))
    })
  }))

test('two large messages that are sent at the same time are both whole, and each is stored once', () =>
  withSharedLog(async (log) => {
    const writer = await log.writer()
    const payloads = ['one', 'two', 'three'].map((name) => ({ name, bytes: randomBytes(3_000_000) }))
    const stored: string[] = []
    await Promise.all(
      payloads.map(async ({ name, bytes }) => {
        await writer.append(log.subject, bytes, name, () => stored.push(name))
        await writer.append(log.subject, Buffer.from(`after ${name}`), `after ${name}`)
      }),
    )
    await writer.flush()
    const whole = assembled(await log.read())
    for (const { name, bytes } of payloads) assert.ok(whole.get(name)?.equals(bytes), name)
    assert.equal([...stored].sort(), ['one', 'three', 'two'])
  }))

const BOUNDED = { max_bytes: 1_000_000, discard: 'new' }

test('a stream that stays full ends the writer with a sentence after the time that it may wait', () =>
  withSharedLog(async (log) => {
    const window = createByteWindow(300_000)
    const writer = await log.writer({ window, maxOutageMs: 1500 })
    const appending = (async () => {
      for (let index = 0; index < 50; index += 1) await writer.append(log.subject, randomBytes(100_000), `${index}`)
      await writer.flush()
    })()
    const failure = await failureOf(inTime(20_000, appending))
    assert.is(failure.exitCode, 5)
    assert.match(
      failure.message,
      `Stream ${log.stream} takes no more messages (maximum bytes exceeded): it has reached its own max_bytes, and no room was made in 1.5 s: `,
    )
    assert.ok(window.tryAcquire(300_000), 'the window must be free again')
    assertDense(await log.read())
  }, BOUNDED))

test('a stream that is given room takes the rest by itself, and both are said once', () =>
  withSharedLog(async (log) => {
    const writer = await log.writer({ window: createByteWindow(300_000) })
    const appending = (async () => {
      for (let index = 0; index < 50; index += 1) await writer.append(log.subject, randomBytes(100_000), `${index}`)
      await writer.flush()
    })()
    while (log.notices.length === 0) await sleep(50)
    await sleep(1500)
    const { config } = await log.manager.streams.info(log.stream)
    await log.manager.streams.update(log.stream, { ...config, max_bytes: -1 })
    await inTime(20_000, appending)
    assert.is(log.notices.length, 2, log.notices.join('\n'))
    assert.match(
      log.notices[0] ?? '',
      /^Stream \w+ takes no more messages \(maximum bytes exceeded\): .* Waiting for room, up to 30 s: raise it/,
    )
    assert.is(log.notices[1], `Stream ${log.stream} takes messages again.`)
    const messages = await log.read()
    assert.is(messages.length, 50)
    assertDense(messages)
  }, BOUNDED))

test('a stream that was deleted ends the writer', () =>
  withSharedLog(async (log) => {
    const writer = await log.writer()
    await write(writer, log, numbered(1, 5))
    await log.manager.streams.delete(log.stream)
    const failure = await failureOf(inTime(10_000, write(writer, log, ['more'])))
    assert.is(failure.exitCode, 4)
    assert.match(failure.message, `Stream ${log.stream} was deleted while publish wrote to it`)
  }))

test('a stream that was made anew ends the writer', () =>
  withSharedLog(async (log) => {
    const writer = await log.writer()
    await write(writer, log, numbered(1, 5))
    await log.manager.streams.delete(log.stream)
    await log.manager.streams.add({ name: log.stream, subjects: [`${log.prefix}.>`] })
    const failure = await failureOf(inTime(10_000, write(writer, log, ['more'])))
    assert.match(failure.message, `Stream ${log.stream} was made anew while publish wrote to it`)
    assert.equal(await log.read(), [])
  }))

test('a stream whose subjects lead elsewhere now ends the writer', () =>
  withSharedLog(async (log) => {
    const writer = await log.writer()
    await log.manager.streams.update(log.stream, { subjects: [`${log.prefix}.elsewhere`] })
    await log.manager.streams.add({ name: `${log.stream}_OTHER`, subjects: [`${log.prefix}.till.>`] })
    try {
      const failure = await failureOf(inTime(10_000, write(writer, log, ['lost'])))
      assert.match(failure.message, `The subjects of stream ${log.stream} lead to another stream`)
      assert.is((await log.manager.streams.info(`${log.stream}_OTHER`)).state.messages, 0)
    } finally {
      await log.manager.streams.delete(`${log.stream}_OTHER`)
    }
  }))

test('a stream that nobody answers for ends the writer after the longest outage, and not never', () =>
  withSharedLog(async (log) => {
    const writer = await log.writer({ maxOutageMs: 1_500 })
    await log.manager.streams.update(log.stream, { subjects: [`${log.prefix}.elsewhere`] })
    const failure = await failureOf(inTime(10_000, write(writer, log, ['lost'])))
    assert.is(failure.exitCode, 5)
    assert.match(failure.message, `NATS has not stored message 1 of stream ${log.stream} for 1.5 s`)
  }))

test('a server whose limit is smaller than it said ends the writer', () =>
  withSharedLog(async (log) => {
    const writer = await log.writer({ maxPayloadBytes: 2 * MAX_PAYLOAD_BYTES })
    await writer.append(log.subject, randomBytes(1_500_000), 'too large')
    assert.match((await failureOf(inTime(10_000, writer.flush()))).message, 'NATS takes smaller messages than it did')
  }))

test('what the caller throws when a message is stored ends the writer', () =>
  withSharedLog(async (log) => {
    const writer = await log.writer()
    await writer.append(log.subject, Buffer.from('text'), 'text', () => {
      throw new Error('of the caller')
    })
    try {
      await inTime(10_000, writer.flush())
      assert.unreachable()
    } catch (error) {
      assert.match(String(error), 'of the caller')
    }
  }))

test('an aborted signal ends the writer at once, with its reason', () =>
  withSharedLog(async (log) => {
    const controller = new AbortController()
    const window = createByteWindow(10)
    const writer = await log.writer({ signal: controller.signal, window })
    assert.ok(window.tryAcquire(10))
    const waiting = writer.append(log.subject, Buffer.from('waits'), 'waits')
    controller.abort(new Error('enough'))
    for (const action of [waiting, writer.flush(), writer.append(log.subject, Buffer.from('late'), 'late')])
      assert.match(String(await inTime(1_000, action).catch((error: unknown) => error)), 'enough')
  }))

function around(bytes: number): number[] {
  return [bytes - 1, bytes, bytes + 1]
}

async function assertTravels(log: TestLog, sizes: readonly number[]): Promise<void> {
  const writer = await log.writer()
  const payloads = sizes.map((size) => randomBytes(size))
  const stored: number[] = []
  for (const [index, payload] of payloads.entries())
    await writer.append(log.subject, payload, `${index}`, () => stored.push(index))
  await writer.flush()
  const messages = await log.read()
  assertDense(messages)
  const whole = assembled(messages)
  for (const [index, payload] of payloads.entries())
    assert.ok((whole.get(`${index}`) ?? bare(messages, payload.length)).equals(payload), `${payload.length} bytes`)
  assert.equal(stored, [...payloads.keys()])
}

/** Messages that travelled in parts, by their identity. */
function assembled(messages: readonly LogMessage[]): Map<string, Buffer> {
  const assembler = new PartAssembler()
  const whole = new Map<string, Buffer>()
  for (const { sequence, payload } of messages) {
    const part = partOf(payload)
    const joined = part && assembler.accept(sequence, part)
    if (part && joined) whole.set(part.id, Buffer.from(joined))
  }
  return whole
}

/** Random bytes are no message; a part is one. */
function partOf(payload: Uint8Array): Extract<ReturnType<typeof decodeMessage>, { kind: 'part' }> | null {
  try {
    if (messageKind(payload) !== 'part') return null
  } catch {
    return null
  }
  const message = decodeMessage(payload)
  return message.kind === 'part' ? message : null
}

function bare(messages: readonly LogMessage[], length: number): Buffer {
  return Buffer.from(messages.find(({ payload }) => payload.length === length)?.payload ?? [])
}

test.run()
