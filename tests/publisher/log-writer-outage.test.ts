import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createByteWindow } from '../../infra/byte-window.ts'
import { connectNats } from '../../infra/nats/connect.ts'
import { seededRandom } from '../hostile/random.ts'
import { type TcpProxy, urlByWayOf, withTcpProxy } from '../tcp-proxy.ts'
import { withNats } from '../with-servers.ts'
import { type RestartableNats, withRestartableNats } from './restartable-nats.ts'
import {
  appendTexts,
  assertDense,
  failureOf,
  inTime,
  numbered,
  textsOf,
  type TestLog,
  withLog,
  write,
} from './with-log.ts'

function withProxiedLog<Result>(use: (log: TestLog, proxy: TcpProxy) => Promise<Result>): Promise<Result> {
  return withNats(
    async ({ url }) =>
      await withTcpProxy(
        Number(new URL(url).port),
        async (proxy) => await withLog(urlByWayOf(url, proxy), {}, async (log) => await use(log, proxy), url),
      ),
  )
}

function withOwnLog<Result>(use: (log: TestLog, nats: RestartableNats) => Promise<Result>): Promise<Result> {
  return withRestartableNats(async (nats) => await withLog(nats.url, {}, async (log) => await use(log, nats)))
}

test('messages whose acknowledgements were lost count as stored, and are not sent again', () =>
  withProxiedLog(async (log, proxy) => {
    const writer = await log.writer()
    await write(writer, log, numbered(1, 20))
    proxy.swallowReplies(true)
    const stored: string[] = []
    for (const text of numbered(21, 40))
      await writer.append(log.subject, Buffer.from(text), text, () => stored.push(text))
    await sleep(300)
    assert.equal(stored, [])
    proxy.swallowReplies(false)
    proxy.cut()
    await inTime(10_000, writer.flush())
    assert.equal(stored, numbered(21, 40))
    await write(writer, log, numbered(41, 60))
    const messages = await log.read()
    assert.equal(textsOf(messages), numbered(1, 60))
    assertDense(messages)
  }))

test('a connection that breaks again and again, anywhere in a message, loses and doubles nothing', () =>
  withProxiedLog(async (log, proxy) => {
    const seed = randomInt(2 ** 31)
    const next = seededRandom(seed)
    let left = 8
    let bytesToCut = 2_000 + next(200_000)
    proxy.onClientData = (bytes) => {
      bytesToCut -= bytes
      if (bytesToCut > 0 || left === 0) return
      left -= 1
      bytesToCut = 2_000 + next(200_000)
      if (left % 2 === 0) proxy.cut()
      else setTimeout(() => proxy.cut(), next(5))
    }
    const writer = await log.writer({ window: createByteWindow(300_000) })
    const texts = numbered(1, 600).map((text) => text.padEnd(next(6_000), '.'))
    await inTime(25_000, appendTexts(writer, log, texts))
    await inTime(10_000, writer.flush())
    proxy.onClientData = () => undefined
    const messages = await log.read()
    assert.is(left, 0, `seed ${seed}: the connection did not break often enough`)
    assert.equal(textsOf(messages), texts, `seed ${seed}`)
    assertDense(messages)
  }))

test('the window holds back whoever appends while nothing is acknowledged, and lets him go on afterwards', () =>
  withProxiedLog(async (log, proxy) => {
    const writer = await log.writer({ window: createByteWindow(100_000) })
    proxy.hold(true)
    let appended = 0
    const appending = (async () => {
      for (let index = 0; index < 10; index += 1) {
        await writer.append(log.subject, Buffer.alloc(30_000, index), `${index}`)
        appended += 1
      }
    })()
    await sleep(300)
    assert.is(appended, 3)
    proxy.hold(false)
    await inTime(10_000, appending)
    await writer.flush()
    assertDense(await log.read())
  }))

test('an aborted signal ends a writer whose broker is away, at once', () =>
  withProxiedLog(async (log, proxy) => {
    const controller = new AbortController()
    const writer = await log.writer({ signal: controller.signal })
    proxy.refuse(true)
    proxy.cut()
    const flushing = write(writer, log, numbered(1, 5)).catch((error: unknown) => error)
    await sleep(700)
    controller.abort(new Error('enough'))
    assert.match(String(await inTime(1_000, flushing)), 'enough')
  }))

test('a broker that is killed and comes back with its store is waited for, which is said once', () =>
  withOwnLog(async (log, nats) => {
    const writer = await log.writer()
    const texts = numbered(1, 2_000)
    const appending = (async () => {
      for (const [index, text] of texts.entries()) {
        await writer.append(log.subject, Buffer.from(text), text)
        if (index % 100 === 0) await sleep(20)
      }
      await writer.flush()
    })()
    await sleep(150)
    await nats.stop('SIGKILL')
    await sleep(2_500)
    await nats.start()
    await inTime(20_000, appending)
    const messages = await log.read()
    assert.equal(textsOf(messages), texts)
    assertDense(messages)
    assert.is(log.notices.length, 2, log.notices.join('\n'))
    assert.match(log.notices[0] ?? '', 'NATS does not answer: waiting for it')
    assert.is(log.notices[1], 'NATS answers again.')
  }))

test('a broker that is stopped in order is waited for too', () =>
  withOwnLog(async (log, nats) => {
    const writer = await log.writer()
    await appendTexts(writer, log, numbered(1, 200))
    const stopping = nats.stop('SIGTERM')
    await appendTexts(writer, log, numbered(201, 400))
    await stopping
    await sleep(700)
    await nats.start()
    await inTime(20_000, writer.flush())
    assert.equal(textsOf(await log.read()), numbered(1, 400))
  }))

test('a broker that stays away for longer than is allowed ends the writer', () =>
  withOwnLog(async (log, nats) => {
    const writer = await log.writer({ maxOutageMs: 1_500 })
    await nats.stop('SIGKILL')
    const began = Date.now()
    const failure = await failureOf(inTime(10_000, write(writer, log, numbered(1, 5))))
    assert.is(failure.exitCode, 5)
    assert.match(failure.message, 'NATS has not answered for 1.5 s')
    assert.ok(Date.now() - began < 5_000, 'it took too long')
  }))

test('a broker that comes back with an older store ends the writer', () =>
  withOwnLog(async (log, nats) => {
    const writer = await log.writer()
    await write(writer, log, numbered(1, 10))
    await nats.stop('SIGTERM')
    await nats.saveStore()
    await nats.start()
    await inTime(10_000, write(writer, log, numbered(11, 20)))
    await nats.stop('SIGTERM')
    await nats.restoreStore()
    await nats.start()
    const failure = await failureOf(inTime(20_000, write(writer, log, numbered(21, 25))))
    assert.is(failure.exitCode, 4)
    assert.match(
      failure.message,
      `Stream ${log.stream} ends at message 10, but message 20 was acknowledged: the broker came back with an older store`,
    )
  }))

test('a message that was removed while its acknowledgement was awaited ends the writer', () =>
  withProxiedLog(async (log, proxy) => {
    const writer = await log.writer()
    await write(writer, log, numbered(1, 3))
    proxy.swallowReplies(true)
    await appendTexts(writer, log, numbered(4, 6))
    await sleep(300)
    await withNats(async ({ url }) => {
      const other = await connectNats({ url, credentialsFile: null, caFile: null }, 'test')
      await (await other.jetstreamManager()).streams.deleteMessage(log.stream, 5)
      await other.close()
    })
    proxy.swallowReplies(false)
    proxy.cut()
    const failure = await failureOf(inTime(10_000, writer.flush()))
    assert.is(failure.exitCode, 4)
    assert.match(failure.message, `Stream ${log.stream} does not hold its message 5: messages were removed`)
  }))

test.run()
