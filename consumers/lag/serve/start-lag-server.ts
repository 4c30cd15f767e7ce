import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { Failure } from '../../../contracts/failure.ts'
import type { LagWatch } from '../lag-watch.ts'
import type { ServeAddress } from './access.ts'
import { createEventStreams, type EventStreams, type StreamLimits } from './event-streams.ts'
import { answer, type BearerCheck, bearerCheck, guardRequests } from './guard-requests.ts'
import { createLookTexts, type LookTexts } from './look-texts.ts'
import { lookWithin } from './look-within.ts'
import { createMetricsRegistry } from './metrics-registry.ts'
import { hasAlready, type Page, pageFiles } from './page-files.ts'
import { unreadiness } from './readiness.ts'

export interface ServeLimits extends StreamLimits {
  /** Of one address, in a minute. */
  readonly requestsPerMinute: number
}

/**
 * Two hundred people behind one address open the page at once (four requests each), and come back at once when a server was
 * away; a scrape a second is sixty more.
 */
const LIMITS: ServeLimits = { streams: 500, unreadBytes: 1_048_576, heartbeatMs: 10_000, requestsPerMinute: 3_000 }

/** Each stream holds one, and the rest ask and go. */
const MAX_CONNECTIONS = 1_000
/** Whoever takes longer to send a request of a few hundred bytes holds a connection for nothing. */
const REQUEST_LIMIT_MS = 10_000
/** A client that reads takes the end of its stream within this. */
const END_LIMIT_MS = 1_000

export interface LagServerOptions {
  readonly watch: LagWatch
  readonly address: ServeAddress
  /** Who has it may read data; null on loopback, for all on this machine. */
  readonly token: string | null
  /** What is looked at, as the page names it. */
  readonly title: string
  readonly readPage: () => Promise<Page>
  /** Takes secrets out of what a server said. */
  readonly hide: (text: string) => string
  /** Is told of what befalls the server, or is a defect of ours. */
  readonly log: (sentence: string) => void
  readonly signal: AbortSignal
  readonly limits?: Partial<ServeLimits>
}

export interface LagServer {
  readonly url: string
  /** Ends all streams, and waits for what is under way. */
  readonly close: () => Promise<void>
}

/**
 * Serves the page, what it shows, and what Prometheus reads. All of it is read only.
 * @throws Failure 4 where the address cannot be listened at.
 */
export async function startLagServer(options: LagServerOptions): Promise<LagServer> {
  const { address, hide, readPage, signal, title, watch } = options
  const limits = { ...LIMITS, ...options.limits }
  const files = pageFiles(await readPage())
  const texts = createLookTexts(title, hide)
  const streams = createEventStreams(watch, texts, limits)
  const app = fastify({ requestTimeout: REQUEST_LIMIT_MS, keepAliveTimeout: REQUEST_LIMIT_MS, trustProxy: false })
  app.server.maxConnections = MAX_CONNECTIONS
  await guardRequests(app, { ...options, ...limits })
  for (const [path, { etag, text, type }] of files)
    app.get(path, (request, reply) => {
      void reply.headers({ etag, 'cache-control': 'no-cache', 'content-type': type })
      return hasAlready(request.headers['if-none-match'], etag) ? reply.code(304).send() : reply.send(text)
    })
  addHealth(app, watch)
  addData(app, { watch, texts, streams, mayRead: options.token === null ? [] : [bearerCheck(app)] })
  const url = await listen(app, address)
  // What befalls it now must not end the work beside it, as when there is no file descriptor for another connection.
  app.server.on('error', (error) => options.log(`The page is not served as it should be: ${error.message}`))
  let closing: Promise<void> | null = null
  const close = async (): Promise<void> => await (closing ??= end(app, streams))
  signal.addEventListener('abort', () => void close(), { once: true })
  if (signal.aborted) await close()
  return { url, close }
}

/** These tell no data: what asks for them cannot always be given a token. */
function addHealth(app: FastifyInstance, watch: LagWatch): void {
  app.get('/livez', async (_request, reply) => await answer(reply, 200, 'Alive.'))
  app.get('/readyz', async (_request, reply) => {
    const unready = unreadiness(await lookWithin(watch), Date.now())
    return await (unready === null ? answer(reply, 200, 'Ready.') : answer(reply, 503, unready))
  })
}

interface DataRoutes {
  readonly watch: LagWatch
  readonly texts: LookTexts
  readonly streams: EventStreams
  readonly mayRead: BearerCheck[]
}

const NO_LOOK = 'No look at the split has come to its end yet: ask again.'

function addData(app: FastifyInstance, { mayRead, streams, texts, watch }: DataRoutes): void {
  app.get('/report.json', { onRequest: mayRead }, async (_request, reply) => {
    const look = await lookWithin(watch)
    if (look === null) return await answer(reply, 503, NO_LOOK)
    return await reply
      .headers({ 'cache-control': 'no-store', 'content-type': 'application/json; charset=utf-8' })
      .send(texts.report(look))
  })
  const metrics = createMetricsRegistry()
  app.get('/metrics', { onRequest: mayRead }, async (_request, reply) => {
    const look = await lookWithin(watch)
    if (look === null) return await answer(reply, 503, NO_LOOK)
    return await reply
      .headers({ 'cache-control': 'no-store', 'content-type': metrics.contentType })
      .send(await metrics.exposition(look, Date.now()))
  })
  app.get('/events', { onRequest: mayRead }, async (request, reply) => {
    // `no-transform` and the other one keep proxies from holding events back.
    void reply.headers({
      'cache-control': 'no-store, no-transform',
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    })
    if (request.method === 'HEAD') return await reply.send()
    if (!streams.open(reply.raw, headersOf(reply)))
      return await answer(reply.header('retry-after', '10'), 503, 'Too many pages are open already: close some.')
    return reply.hijack()
  })
}

/** What helmet and others have set so far. */
function headersOf(reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]))
}

async function listen(app: FastifyInstance, { host, port }: ServeAddress): Promise<string> {
  try {
    return `${await app.listen({ host, port })}/`
  } catch (cause) {
    await app.close()
    throw new Failure(4, listenSentence({ host, port }, cause), { cause })
  }
}

function listenSentence({ host, port }: ServeAddress, cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const way = 'give --serve another one, or port 0 for any that is free'
  return code === 'EADDRINUSE'
    ? `The page cannot be served at ${place}, where another program listens: end that, or ${way}.`
    : `The page cannot be served at ${place} (${code}): ${way}.`
}

async function end(app: FastifyInstance, streams: EventStreams): Promise<void> {
  streams.close()
  const timer = setTimeout(() => app.server.closeAllConnections(), END_LIMIT_MS)
  await app.close()
  clearTimeout(timer)
}
