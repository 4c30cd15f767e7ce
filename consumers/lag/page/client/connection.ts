import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { retryAfterMs } from './backoff.ts'
import type { PageEvent } from './page-state.ts'
import { eventOf } from './read-event.ts'

export interface ConnectionOptions {
  /** Of the events; relative, so that the page may stand behind a path. */
  readonly address: string
  readonly token: () => string | null
  readonly tell: (event: PageEvent) => void
  readonly signal: AbortSignal
  /** Loads the page anew, where that may help; false where it was done a moment ago. */
  readonly reload: () => boolean
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
    // A server of another release sends what this page does not know: it has another page, too.
    if (outcome.kind === 'unreadable' && options.reload()) return
    failures = outcome.sawLook ? 1 : failures + 1
    const waitMs = retryAfterMs(failures, Math.random())
    tell({ type: 'lost', reason: reasonOf(outcome), retryAtMs: Date.now() + waitMs })
    await wait(waitMs, signal)
  }
}

type Outcome =
  | { readonly kind: 'locked' }
  | { readonly kind: 'unreadable'; readonly sawLook: boolean }
  | { readonly kind: 'lost'; readonly reason: string; readonly sawLook: boolean }

function reasonOf(outcome: Exclude<Outcome, { kind: 'locked' }>): string {
  return outcome.kind === 'lost'
    ? outcome.reason
    : 'The server tells what this page cannot read: see that nothing between them changes it, and load the page anew.'
}

/** What is wrong with the way to the server is an outcome; what is wrong with the page's own work is thrown. */
async function readEvents(options: ConnectionOptions): Promise<Outcome> {
  const silence = watchSilence(options.signal)
  try {
    const response = await orNull(ask(options, silence.signal))
    if (response === null) return { ...AWAY, sawLook: false }
    if (response.status === 401) return { kind: 'locked' }
    if (!response.ok || response.body === null)
      return { kind: 'lost', reason: (await orNull(refusalOf(response))) ?? AWAY.reason, sawLook: false }
    return await readBody(response.body, options.tell, silence)
  } finally {
    silence.end()
  }
}

const AWAY = { kind: 'lost', reason: 'The server cannot be reached.' } as const

async function ask({ address, token }: ConnectionOptions, signal: AbortSignal): Promise<Response> {
  const given = token()
  return await fetch(address, {
    headers: { Accept: 'text/event-stream', ...(given === null ? {} : { Authorization: `Bearer ${given}` }) },
    cache: 'no-store',
    signal,
  })
}

async function orNull<Value>(asked: Promise<Value>): Promise<Value | null> {
  try {
    return await asked
  } catch {
    return null
  }
}

async function readBody(
  body: NonNullable<Response['body']>,
  tell: ConnectionOptions['tell'],
  silence: Silence,
): Promise<Outcome> {
  let sawLook = false
  let isTooLarge = false
  const messages: EventSourceMessage[] = []
  const parser = createParser({
    maxBufferSize: LARGEST_EVENT,
    onEvent: (message) => void messages.push(message),
    onError: ({ type }) => (isTooLarge ||= type === 'max-buffer-size-exceeded'),
  })
  const decoder = new TextDecoder()
  const reader = body.getReader()
  for (;;) {
    const piece = await orNull(reader.read())
    if (piece === null) return { ...AWAY, sawLook }
    if (piece.done) return { kind: 'lost', reason: 'The server ended the connection.', sawLook }
    silence.heard()
    parser.feed(decoder.decode(piece.value, { stream: true }))
    for (const message of messages.splice(0)) {
      const event = eventOf(message, Date.now())
      if (event === 'unreadable') return { kind: 'unreadable', sawLook }
      if (event === null) continue
      sawLook ||= event.type === 'look'
      tell(event)
    }
    if (isTooLarge) return { kind: 'unreadable', sawLook }
  }
}

async function refusalOf(response: Response): Promise<string> {
  const text = (await response.text()).trim().slice(0, 300)
  return text === '' ? `The server answers with ${response.status}.` : text
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
