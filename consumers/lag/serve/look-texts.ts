import type { LagHistory } from '../lag-history.ts'
import { isKnown, type LagReport } from '../lag-report.ts'
import type { LagLook } from '../lag-watch.ts'

/** What is told of a look, in the forms in which it is sent. Each is made once a look, for all who ask. */
export interface LookTexts {
  readonly report: (look: LagLook) => string
  readonly lookEvent: (look: LagLook) => Buffer
  readonly historyEvent: (look: LagLook | null) => Buffer
}

/**
 * @param title what is looked at. @param hide takes secrets out of what a server said in words of its own.
 */
export function createLookTexts(title: string, hide: (text: string) => string): LookTexts {
  const told = onceALook(({ report }) => withoutSecretsOf(report, hide))
  const historyEvent = onceALook(({ atMs, history }) => eventOf('history', recentHistory(history, atMs)))
  return {
    report: onceALook((look) => {
      const { atMs, tookMs } = look
      return JSON.stringify({ atMs, tookMs: Math.round(tookMs), report: told(look) })
    }),
    lookEvent: onceALook((look) => {
      const { atMs, history, tookMs } = look
      const { slotSecondsLeft } = history
      return eventOf('look', { atMs, tookMs: Math.round(tookMs), report: told(look), slotSecondsLeft, title })
    }),
    historyEvent: (look) => (look === null ? eventOf('history', NO_HISTORY) : historyEvent(look)),
  }
}

function onceALook<Value>(make: (look: LagLook) => Value): (look: LagLook) => Value {
  let made: { readonly look: LagLook; readonly value: Value } | null = null
  return (look) => {
    if (made?.look !== look) made = { look, value: make(look) }
    return made.value
  }
}

/** An event of a stream of server-sent events; JSON holds no line ends. */
export function eventOf(name: string, value: object): Buffer {
  return Buffer.from(`event: ${name}\ndata: ${JSON.stringify(value)}\n\n`)
}

type SentHistory = Omit<LagHistory, 'slotSecondsLeft'>

const NO_HISTORY: SentHistory = { times: [], services: {}, retainedBytes: [] }

/** Where nobody looks each second, what is kept of the looks goes further back than anybody wants to see. */
const HISTORY_MS = 10 * 60_000

/** The last ten minutes, in numbers that are no longer than what is drawn of them. */
export function recentHistory({ retainedBytes, services, times }: LagHistory, nowMs: number): SentHistory {
  const old = times.findIndex((atMs) => atMs >= nowMs - HISTORY_MS)
  const from = old < 0 ? times.length : old
  const points = Object.entries(services).map(([service, all]) => [
    service,
    all.slice(from).map(
      (point) =>
        point && {
          appliedSeconds: rounded(point.appliedSeconds),
          messages: point.messages,
          messagesPerSecond: rounded(point.messagesPerSecond),
        },
    ),
  ])
  return { times: times.slice(from), services: Object.fromEntries(points), retainedBytes: retainedBytes.slice(from) }
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000
}

/** Our own sentences hold none; what a driver or a server says may. */
export function withoutSecretsOf(report: LagReport, hide: (text: string) => string): LagReport {
  return {
    ...report,
    problems: report.problems.map((problem) => ({ ...problem, sentence: hide(problem.sentence) })),
    services: report.services.map((lag) =>
      isKnown(lag)
        ? {
            ...lag,
            lastError: lag.lastError && { ...lag.lastError, text: hide(lag.lastError.text) },
            stopped: lag.stopped && { ...lag.stopped, reason: hide(lag.stopped.reason) },
            parkedChanges: lag.parkedChanges.map((parked) => ({ ...parked, reason: hide(parked.reason) })),
          }
        : lag,
    ),
  }
}
