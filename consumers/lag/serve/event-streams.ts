import type { ServerResponse } from 'node:http'
import type { LagLook, LagWatch } from '../lag-watch.ts'
import type { LookTexts } from './look-texts.ts'

/** Streams of server-sent events, one for each page that is open. https://html.spec.whatwg.org/multipage/server-sent-events.html */
export interface EventStreams {
  /** @returns false where there are as many as there may be: then nothing is sent. */
  readonly open: (response: ServerResponse, headers: Readonly<Record<string, string>>) => boolean
  readonly count: () => number
  /** Ends all. */
  readonly close: () => void
}

export interface StreamLimits {
  /** How many there may be. Each holds a socket, and what its client has not read. */
  readonly streams: number
  /** What a client may leave unread before it is cut off: some seconds of a large split. */
  readonly unreadBytes: number
}

interface Stream {
  readonly response: ServerResponse
  readonly limitBytes: number
}

/** How soon a client that was cut off comes again. */
const RETRY_MS = 2_000
/** Proxies end a connection on which nothing comes for half a minute. */
const HEARTBEAT_MS = 10_000
const HEARTBEAT = Buffer.from(': still here\n\n')
/** A look that is older was made for somebody else: the next one is near. */
const FRESH_MS = 3_000

/** Looks are made only as long as a stream is open. */
export function createEventStreams(watch: LagWatch, texts: LookTexts, limits: StreamLimits): EventStreams {
  const streams = new Set<Stream>()
  let sentAt = 0
  let rest: (() => void) | null = null
  const sendAll = (bytes: Buffer): void => {
    sentAt = performance.now()
    for (const stream of streams) send(stream, bytes)
  }
  const begin = (): void => {
    const unsubscribe = watch.subscribe((look) => sendAll(texts.lookEvent(look)))
    const timer = setInterval(() => {
      if (performance.now() - sentAt >= HEARTBEAT_MS) sendAll(HEARTBEAT)
    }, HEARTBEAT_MS)
    rest = () => {
      clearInterval(timer)
      unsubscribe()
      rest = null
    }
  }
  const leave = (stream: Stream): void => {
    streams.delete(stream)
    if (streams.size === 0) rest?.()
  }
  return {
    open: (response, headers) => {
      if (streams.size >= limits.streams) return false
      response.writeHead(200, headers)
      const first = firstBytes(watch.latest(), texts, Date.now())
      const stream = { response, limitBytes: first.length + limits.unreadBytes }
      streams.add(stream)
      response.once('close', () => leave(stream))
      // A client that has gone needs nothing more.
      response.on('error', () => leave(stream))
      response.write(first)
      if (rest === null) begin()
      return true
    },
    count: () => streams.size,
    close: () => {
      rest?.()
      for (const { response } of streams) response.end()
    },
  }
}

/** What a page that opens can draw at once. */
function firstBytes(latest: LagLook | null, texts: LookTexts, nowMs: number): Buffer {
  const retry = Buffer.from(`retry: ${RETRY_MS}\n\n`)
  const isFresh = latest !== null && nowMs - latest.atMs <= FRESH_MS
  return Buffer.concat([retry, texts.historyEvent(latest), ...(isFresh ? [texts.lookEvent(latest)] : [])])
}

/** All streams share the bytes of an event, so that those who do not read hold little memory until they are cut off. */
function send({ limitBytes, response }: Stream, bytes: Buffer): void {
  if (response.writableLength > limitBytes) response.destroy()
  else response.write(bytes)
}
