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
  /** After so long in which nothing was sent a comment is: proxies end a connection on which nothing comes for half a minute. */
  readonly heartbeatMs: number
}

interface Stream {
  readonly response: ServerResponse
  readonly limitBytes: number
}

/** How soon a client that was cut off comes again. */
const RETRY = Buffer.from('retry: 2000\n\n')
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
      if (performance.now() - sentAt >= limits.heartbeatMs) sendAll(HEARTBEAT)
    }, limits.heartbeatMs)
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
      const first = firstEvents(watch.latest(), texts, Date.now())
      const firstBytes = first.reduce((sum, { length }) => sum + length, 0)
      const stream = { response, limitBytes: firstBytes + limits.unreadBytes }
      streams.add(stream)
      response.once('close', () => leave(stream))
      // A client that has gone needs nothing more.
      response.on('error', () => leave(stream))
      for (const bytes of first) response.write(bytes)
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
function firstEvents(latest: LagLook | null, texts: LookTexts, nowMs: number): Buffer[] {
  const isFresh = latest !== null && nowMs - latest.atMs <= FRESH_MS
  return [RETRY, texts.historyEvent(latest), ...(isFresh ? [texts.lookEvent(latest)] : [])]
}

/** All streams share the bytes of an event, the first ones too, so that those who do not read hold little memory until they are cut off. */
function send({ limitBytes, response }: Stream, bytes: Buffer): void {
  if (response.writableLength > limitBytes) response.destroy()
  else response.write(bytes)
}
