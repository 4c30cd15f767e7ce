// deadline: 120 s
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startLagServer } from '../../../../consumers/lag/serve/start-lag-server.ts'
import { Failure } from '../../../../contracts/failure.ts'
import { lagOf } from '../lag-of.ts'
import { ask, lookOf, openStream, ownWatch, PAGE, REPORT, withLagServer } from './with-lag-server.ts'

const TOKEN = 'a-token-of-the-test-0123456789'
const POLICY =
  "default-src 'none';script-src 'self';style-src 'self';connect-src 'self';img-src 'self' data:;font-src 'self';base-uri 'none';form-action 'self';frame-ancestors 'none'"

test('every answer has the headers that keep a browser from harm, and every refusal is a sentence', () =>
  withLagServer({}, async ({ url }) => {
    const asked = {
      page: await ask(url),
      report: await ask(`${url}report.json`),
      metrics: await ask(`${url}metrics`),
      nothing: await ask(`${url}nothing`),
      change: await ask(`${url}report.json`, {}, 'DELETE'),
      foreign: await ask(url, { host: 'lag.example' }),
    }
    for (const [name, { headers }] of Object.entries(asked)) {
      assert.is(headers['content-security-policy'], POLICY, name)
      assert.is(headers['x-content-type-options'], 'nosniff', name)
      assert.is(headers['x-frame-options'], 'DENY', name)
      assert.is(headers['strict-transport-security'], undefined, name)
      assert.is(headers['access-control-allow-origin'], undefined, name)
    }
    assert.equal(
      Object.values(asked).map(({ status }) => status),
      [200, 200, 200, 404, 405, 403],
    )
    for (const { body, headers } of [asked.nothing, asked.change, asked.foreign]) {
      assert.is(headers['content-type'], 'text/plain; charset=utf-8')
      assert.match(body, /^[A-Z].*\.\n$/)
    }
    assert.is(asked.change.headers.allow, 'GET, HEAD')
  }))

test('the page comes from one place, and is not sent again to a browser that has it', () =>
  withLagServer({}, async ({ url }) => {
    const files = { '': PAGE.html, 'page.js': PAGE.script, 'page.css': PAGE.style }
    for (const [path, text] of Object.entries(files)) {
      const { body, headers } = await ask(`${url}${path}`)
      assert.equal([body, headers['cache-control']], [text, 'no-cache'])
      const again = await ask(`${url}${path}`, { 'if-none-match': String(headers.etag) })
      assert.equal([again.status, again.body], [304, ''])
    }
  }))

test('nothing can be sent, and HEAD has no body', () =>
  withLagServer({}, async ({ url }) => {
    for (const path of ['', 'report.json', 'events', 'metrics', 'livez', 'readyz', 'nothing']) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
        assert.is((await ask(`${url}${path}`, { 'content-type': 'text/odd' }, method)).status, 405, `${method} ${path}`)
      assert.is((await ask(`${url}${path}`, {}, 'HEAD')).body, '', path)
    }
    assert.is((await ask(`${url}events`, {}, 'HEAD')).status, 200)
  }))

test('data is for those who have the token, the page and the probes are for all', () =>
  withLagServer({ token: TOKEN }, async ({ url }) => {
    const said: string[] = []
    for (const path of ['report.json', 'events', 'metrics'])
      for (const authorization of [
        undefined,
        `Bearer ${TOKEN}x`,
        `Bearer ${TOKEN.slice(1)}`,
        'Bearer',
        `Basic ${TOKEN}`,
      ])
        for (const method of ['GET', 'HEAD']) {
          const { body, headers, status } = await ask(`${url}${path}`, authorization ? { authorization } : {}, method)
          assert.equal(
            [status, headers['www-authenticate']],
            [401, 'Bearer realm="scission"'],
            `${path} ${authorization}`,
          )
          if (method === 'GET') assert.match(body, /^This needs the token/)
          said.push(body, JSON.stringify(headers))
        }
    const authorization = `Bearer ${TOKEN}`
    // Who has a token may ask by any name: a proxy may stand before the server.
    const { status } = await ask(`${url}report.json`, { authorization, host: 'lag.example' })
    assert.equal([status, (await ask(`${url}metrics`, { authorization })).status], [200, 200])
    const stream = await openStream(url, { authorization })
    assert.is((await stream.event('look'))['title'], 'shop')
    stream.leave()
    for (const [path, expected] of Object.entries({
      '': 200,
      'page.js': 200,
      'page.css': 200,
      livez: 200,
      readyz: 503,
    }))
      assert.is((await ask(`${url}${path}`)).status, expected, path)
    assert.not.match(said.join('\n'), TOKEN)
  }))

test('without a token only this machine is answered, by its own names and to its own pages', () =>
  withLagServer({}, async ({ url }) => {
    const { port } = new URL(url)
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, 'LOCALHOST'])
      assert.is((await ask(`${url}report.json`, { host })).status, 200, host)
    for (const host of ['lag.example', `lag.example:${port}`, 'localhost.example', '127.0.0.1.nip.example', '10.0.0.1'])
      assert.is((await ask(`${url}report.json`, { host })).status, 403, host)
    const site = { 'sec-fetch-site': 'cross-site' }
    assert.is((await ask(`${url}report.json`, { ...site, 'sec-fetch-mode': 'cors' })).status, 403)
    assert.is((await ask(url, { ...site, 'sec-fetch-mode': 'navigate' })).status, 200)
  }))

test('a stream begins with what was, goes on with each look, and ends with the server', async () => {
  const { listeners, push, watch } = ownWatch()
  const stream = await withLagServer({ watch }, async ({ url }) => {
    const opened = await openStream(url)
    assert.is(opened.headers['content-type'], 'text/event-stream; charset=utf-8')
    assert.is(opened.headers['content-security-policy'], POLICY)
    assert.is(Array.isArray((await opened.event('history'))['times']), true)
    assert.equal(Object.keys(await opened.event('look')), ['atMs', 'tookMs', 'report', 'slotSecondsLeft', 'title'])
    push(lookOf({ ...REPORT, problems: [] }))
    const { report } = await opened.event('look', 2)
    assert.equal(report, JSON.parse(JSON.stringify({ ...REPORT, problems: [] })))
    assert.equal(
      opened.events.map(({ event }) => event),
      ['history', 'look', 'look'],
    )
    return opened
  })
  assert.is(await stream.ended, 'ended')
  assert.is(listeners(), 0)
})

test('a stream on which nothing comes is kept alive by comments', () =>
  withLagServer({ limits: { heartbeatMs: 50 } }, async ({ url }) => {
    const stream = await openStream(url)
    for (const sinceMs = Date.now(); stream.comments.length < 2; await delay(20))
      assert.ok(Date.now() - sinceMs < 20_000, 'nothing came')
    assert.equal([stream.retriesMs, stream.comments[0]?.trim()], [[2_000], 'still here'])
    stream.leave()
  }))

test('two hundred clients behind one address load the page and get the same look', async () => {
  // One that is old already is sent to nobody.
  const { listeners, push, watch } = ownWatch(lookOf(REPORT, 0))
  await withLagServer({ watch }, async ({ url }) => {
    const before = process.memoryUsage().heapUsed
    const streams = await Promise.all(
      Array.from({ length: 200 }, async () => {
        for (const path of ['', 'page.js', 'page.css']) assert.is((await ask(`${url}${path}`)).status, 200)
        return await openStream(url)
      }),
    )
    assert.is(listeners(), 1, 'one look for all')
    const large = lookOf({ ...REPORT, services: Array.from({ length: 50 }, (_, place) => lagOf(`service-${place}`)) })
    push(large)
    await Promise.all(streams.map(async ({ event }) => await event('look')))
    assert.is(new Set(streams.map(({ events }) => events.at(-1)?.data)).size, 1)
    // Theirs and ours: both ends are in this process.
    assert.ok(process.memoryUsage().heapUsed - before < 150e6, 'memory is bounded')
    for (const { leave } of streams) leave()
    for (const sinceMs = Date.now(); listeners() > 0; await delay(20))
      assert.ok(Date.now() - sinceMs < 20_000, 'nobody watches, and looks are made')
  })
})

test('there are so many streams and no more, until one is closed', () =>
  withLagServer({ limits: { streams: 2 } }, async ({ url }) => {
    const streams = [await openStream(url), await openStream(url)]
    const refused = await ask(`${url}events`)
    assert.equal([refused.status, refused.body], [503, 'Too many pages are open already: close some.\n'])
    assert.is((await ask(`${url}report.json`)).status, 200)
    streams[0]?.leave()
    for (const sinceMs = Date.now(); ; await delay(20)) {
      const next = await openStream(url)
      next.leave()
      if (next.status === 200) break
      assert.ok(Date.now() - sinceMs < 20_000, 'the place of one that left is not free')
    }
  }))

test('a flood is told to wait', () =>
  withLagServer({ limits: { requestsPerMinute: 30 }, token: TOKEN }, async ({ url }) => {
    const paths = ['', 'report.json', 'nothing', 'livez']
    for (let asked = 0; asked < 30; asked += 1)
      assert.is.not((await ask(`${url}${paths[asked % paths.length]}`)).status, 429)
    for (const path of [...paths, 'events', 'metrics']) {
      const { body, headers, status } = await ask(`${url}${path}`, { authorization: 'Bearer guessed-guessed-guessed' })
      assert.equal([status, body], [429, 'Too many requests come from this address: wait a minute.\n'], path)
      assert.ok(Number(headers['retry-after']) > 0)
    }
  }))

test('a client that does not read is cut off, and the others go on', async () => {
  const { push, watch } = ownWatch()
  await withLagServer({ watch, limits: { unreadBytes: 100_000 } }, async ({ url }) => {
    const { port } = new URL(url)
    const idle = connect(Number(port), '127.0.0.1')
    idle.on('error', () => undefined).pause()
    await once(idle, 'connect')
    idle.write(`GET /events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
    const reader = await openStream(url)
    const problems = [{ sentence: 'x'.repeat(500_000), exitCode: 1 as const }]
    let looks = 1
    let isCut = false
    idle.on('close', () => (isCut = true))
    // What the system's own buffers hold cannot be seen: some megabytes.
    for (; !isCut; looks += 1) {
      assert.ok(looks < 200, 'it was never cut off')
      push(lookOf({ ...REPORT, problems }))
      await reader.event('look', looks + 1)
      // Not read from, it does not hear of its end either: a write tells it.
      idle.write('x')
      await delay(20)
    }
    push(lookOf(REPORT))
    assert.equal((await reader.event('look', looks + 1))['title'], 'shop')
    reader.leave()
  })
})

test('a port that is in use is refused with a sentence', () =>
  withLagServer({}, async ({ url }) => {
    const { port } = new URL(url)
    const outcome = await withLagServer({ address: { host: '127.0.0.1', port: Number(port) } }, async () => null).catch(
      (error: unknown) => error,
    )
    assert.instance(outcome, Failure)
    assert.equal(
      [(outcome as Failure).exitCode, (outcome as Failure).message],
      [
        4,
        `The page cannot be served at 127.0.0.1:${port}, where another program listens: end that, or give --serve another one, or port 0 for any that is free.`,
      ],
    )
  }))

test('a defect is told to the operator, and to whoever asks only that there is one', async () => {
  const told: string[] = []
  const { watch } = ownWatch()
  const broken = { ...watch, look: async () => await Promise.reject(new TypeError('secret-of-ours')) }
  await withLagServer({ watch: broken, log: (sentence) => told.push(sentence) }, async ({ url }) => {
    const { body, status } = await ask(`${url}report.json`)
    assert.equal([status, body], [500, 'This failed: see what the server says.\n'])
    assert.is((await ask(`${url}livez`)).status, 200)
  })
  assert.match(told.join('\n'), /^A request failed: TypeError: secret-of-ours/)
})

test('what a server said is shown without its secrets', async () => {
  const report = {
    ...REPORT,
    services: [
      lagOf('sales', {
        lastError: { text: 'hidden-1', secondsAgo: 1 },
        stopped: { position: '0/1', reason: 'hidden-2', state: 'stopped' },
        parkedChanges: [{ position: '0/1', entity: 'Order', changes: 1, reason: 'hidden-3' }],
      }),
    ],
    problems: [{ sentence: 'hidden-4', exitCode: 1 as const }],
  }
  const { watch } = ownWatch(lookOf(report))
  await withLagServer({ watch, hide: (text) => text.replaceAll(/hidden-\d/g, '***') }, async ({ url }) => {
    const stream = await openStream(url)
    await stream.event('look')
    const { body } = await ask(`${url}report.json`)
    assert.is(body.split('***').length, 5)
    assert.not.match(`${body}${JSON.stringify(stream.events)}`, 'hidden-')
    stream.leave()
  })
})

test('it ends when it is told to, also where somebody does not read', async () => {
  const stop = new AbortController()
  const server = await startLagServer({
    watch: ownWatch().watch,
    address: { host: '127.0.0.1', port: 0 },
    token: null,
    title: 'shop',
    readPage: async () => PAGE,
    hide: (text) => text,
    log: () => undefined,
    signal: stop.signal,
  })
  const stream = await openStream(server.url)
  const idle = connect(Number(new URL(server.url).port), '127.0.0.1')
  await once(idle, 'connect')
  idle.on('error', () => undefined)
  stop.abort()
  assert.is(await stream.ended, 'ended')
  await server.close()
  const refused = await ask(server.url).then(
    () => 'answered',
    (error: unknown) => String(error),
  )
  assert.match(refused, 'ECONNREFUSED')
})

test.run()
