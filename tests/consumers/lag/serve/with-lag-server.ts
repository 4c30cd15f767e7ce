import { type IncomingHttpHeaders, request } from 'node:http'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import type { LagReport } from '../../../../consumers/lag/lag-report.ts'
import type { LagLook, LagWatch } from '../../../../consumers/lag/lag-watch.ts'
import {
  type LagServer,
  type LagServerOptions,
  startLagServer,
} from '../../../../consumers/lag/serve/start-lag-server.ts'
import { lagOf } from '../lag-of.ts'

export const PAGE = { html: '<!doctype html><title>Lag</title>', script: 'export {}', style: 'p { color: red }' }

export const REPORT: LagReport = {
  monolith: null,
  services: [lagOf('sales'), { service: 'stock', status: 'unknown' }],
  problems: [{ sentence: 'The monolith does not answer.', exitCode: 4 }],
}

export function lookOf(report: LagReport, atMs = Date.now()): LagLook {
  const history = { times: [atMs], services: { sales: [null] }, retainedBytes: [null], slotSecondsLeft: null }
  return { atMs, tookMs: 5, report, history }
}

/** Looks that a test makes itself. */
export interface OwnWatch {
  readonly watch: LagWatch
  /** Tells all who watch. */
  readonly push: (look: LagLook) => void
  readonly listeners: () => number
}

export function ownWatch(first = lookOf(REPORT)): OwnWatch {
  const listeners = new Set<(look: LagLook) => void>()
  let latest = first
  return {
    watch: {
      look: async () => latest,
      latest: () => latest,
      subscribe: (listener) => {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
      close: async () => undefined,
    },
    push: (look) => {
      latest = look
      for (const listener of listeners) listener(look)
    },
    listeners: () => listeners.size,
  }
}

/** A server on a port of loopback for as long as `use` takes. */
export async function withLagServer<Result>(
  given: Partial<LagServerOptions>,
  use: (server: LagServer) => Promise<Result>,
): Promise<Result> {
  const server = await startLagServer({
    watch: ownWatch().watch,
    address: { host: '127.0.0.1', port: 0 },
    token: null,
    title: 'shop',
    readPage: async () => PAGE,
    hide: (text) => text,
    log: () => undefined,
    signal: new AbortController().signal,
    ...given,
  })
  try {
    return await use(server)
  } finally {
    await server.close()
  }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Asks once, in a connection of its own. */
export async function ask(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
      response.on('error', reject)
    })
    asked.on('error', reject).end()
  })
}

/** A page's stream of events. */
export interface OpenStream {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly events: readonly EventSourceMessage[]
  readonly comments: readonly string[]
  /** The hint when to come again. */
  readonly retriesMs: readonly number[]
  /** The nth event of a name, when it is there. */
  readonly event: (name: string, nth?: number) => Promise<Record<string, unknown>>
  /** When it has ended; how it did. */
  readonly ended: Promise<'ended' | 'broken'>
  readonly leave: () => void
}

const EVENT_LIMIT_MS = 60_000

export async function openStream(url: string, headers: Readonly<Record<string, string>> = {}): Promise<OpenStream> {
  return await new Promise((resolve, reject) => {
    const asked = request(`${url}events`, { headers, agent: false }, (response) => {
      const events: EventSourceMessage[] = []
      const watchers = new Set<() => void>()
      const [comments, retriesMs]: [string[], number[]] = [[], []]
      const parser = createParser({
        onComment: (comment) => comments.push(comment),
        onRetry: (retryMs) => retriesMs.push(retryMs),
        onEvent: (event) => {
          events.push(event)
          for (const look of watchers) look()
        },
      })
      response.setEncoding('utf8').on('data', (text: string) => parser.feed(text))
      const ended = new Promise<'ended' | 'broken'>((end) => {
        response.on('close', () => end(response.complete ? 'ended' : 'broken')).on('error', () => undefined)
      })
      const { headers: got, statusCode = 0 } = response
      resolve({
        status: statusCode,
        headers: got,
        events,
        comments,
        retriesMs,
        event: nthOf(events, watchers),
        ended,
        leave: () => asked.destroy(),
      })
    })
    asked.on('error', reject).end()
  })
}

function nthOf(events: readonly EventSourceMessage[], watchers: Set<() => void>): OpenStream['event'] {
  return async (name, nth = 1) =>
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`Event ${name} never came`)), EVENT_LIMIT_MS)
      const look = (): void => {
        const found = events.filter(({ event }) => event === name)[nth - 1]
        if (found === undefined) return
        clearTimeout(timer)
        watchers.delete(look)
        resolve(JSON.parse(found.data) as Record<string, unknown>)
      }
      watchers.add(look)
      look()
    })
}
