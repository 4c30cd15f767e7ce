import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { retryAfterMs } from './backoff.ts'
import type { PageEvent, SentLook } from './page-state.ts'
import type { GivenHistory } from './series.ts'

export interface ConnectionOptions {
  /** Of the events; relative, so that the page may stand behind a path. */
  readonly address: string
  readonly token: () => string | null
  readonly tell: (event: PageEvent) => void
  readonly signal: AbortSignal
  /** Ends the wait before the next attempt where it resolves sooner, as when the tab is shown again. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>
}

/** The server says something each second, at least a comment: one that is silent for so long is away, whatever TCP thinks. */
const SILENT_MS = 20_000
/** A history of ten minutes of a hundred services is smaller. */
const LARGEST_EVENT = 32 * 1024 * 1024

/** Follows the server's events until the signal ends it or a token is needed; it comes back by itself after each outage. */
export async function followEvents(options: ConnectionOptions): Promise<void> {
  const { signal, tell, wait } = options
  for (let failures = 0; !signal.aborted;) {
    tell({ type: 'connecting' })
    const outcome = await readEvents(options)
    if (signal.aborted) return
    if (outcome.kind === 'locked') return tell({ type: 'locked', isWrong: options.token() !== null })
    failures = outcome.sawLook ? 1 : failures + 1
    const waitMs = retryAfterMs(failures, Math.random())
    tell({ type: 'lost', reason: outcome.reason, retryAtMs: Date.now() + waitMs })
    await wait(waitMs, signal)
  }
}

type Outcome =
  | { readonly kind: 'locked' }
  | { readonly kind: 'lost'; readonly reason: string; readonly sawLook: boolean }

async function readEvents({ address, signal, tell, token }: ConnectionOptions): Promise<Outcome> {
  const silence = watchSilence(signal)
  let sawLook = false
  try {
    const given = token()
    const response = await fetch(address, {
      headers: { Accept: 'text/event-stream', ...(given === null ? {} : { Authorization: `Bearer ${given}` }) },
      cache: 'no-store',
      signal: silence.signal,
    })
    if (response.status === 401) return { kind: 'locked' }
    if (!response.ok || response.body === null) return { kind: 'lost', reason: await refusalOf(response), sawLook }
    const parser = createParser({
      maxBufferSize: LARGEST_EVENT,
      onEvent: (message) => {
        const event = eventOf(message, Date.now())
        if (event === null) return
        sawLook ||= event.type === 'look'
        tell(event)
      },
    })
    const decoder = new TextDecoder()
    const reader = response.body.getReader()
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      silence.heard()
      parser.feed(decoder.decode(piece.value, { stream: true }))
    }
    return { kind: 'lost', reason: 'The server ended the connection.', sawLook }
  } catch {
    return { kind: 'lost', reason: 'The server cannot be reached.', sawLook }
  } finally {
    silence.end()
  }
}

async function refusalOf(response: Response): Promise<string> {
  const text = (await response.text()).trim().slice(0, 300)
  return text === '' ? `The server answers with ${response.status}.` : text
}

function eventOf({ data, event }: EventSourceMessage, nowMs: number): PageEvent | null {
  // The server is of the same release as the page.
  if (event === 'history') return { type: 'history', history: JSON.parse(data) as GivenHistory }
  if (event === 'look') return { type: 'look', look: JSON.parse(data) as SentLook, nowMs }
  return null
}

interface Silence {
  readonly signal: AbortSignal
  readonly heard: () => void
  readonly end: () => void
}

/** Ends a connection on which nothing is heard. */
function watchSilence(outer: AbortSignal): Silence {
  const controller = new AbortController()
  const abort = (): void => controller.abort()
  let timer = setTimeout(abort, SILENT_MS)
  outer.addEventListener('abort', abort)
  return {
    signal: controller.signal,
    heard: () => {
      clearTimeout(timer)
      timer = setTimeout(abort, SILENT_MS)
    },
    end: () => {
      clearTimeout(timer)
      outer.removeEventListener('abort', abort)
      controller.abort()
    },
  }
}
