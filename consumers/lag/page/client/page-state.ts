import { unreachable } from '../../../../contracts/failure.ts'
import type { LagReport } from '../../lag-report.ts'
import { type GivenHistory, NO_SERIES, type Series, withHistory, withLook } from './series.ts'

/** A look as the server sends it. */
export interface SentLook {
  readonly atMs: number
  readonly tookMs: number
  readonly report: LagReport
  readonly slotSecondsLeft: number | null
  readonly title: string
}

export type Connection =
  | { readonly kind: 'connecting' }
  /** Since when, by the browser's clock. */
  | { readonly kind: 'live'; readonly sinceMs: number }
  /** The server is away; it is tried again then. */
  | { readonly kind: 'waiting'; readonly retryAtMs: number; readonly reason: string }
  /** The server wants a token; `isWrong` where one was given. */
  | { readonly kind: 'locked'; readonly isWrong: boolean }

export interface PageState {
  readonly connection: Connection
  readonly look: SentLook | null
  /** When it came, by the browser's clock. */
  readonly lookCameMs: number | null
  readonly series: Series
  /** By the browser's clock, each second. */
  readonly nowMs: number
}

export type PageEvent =
  | { readonly type: 'connecting' }
  /** The first that a server sends. */
  | { readonly type: 'history'; readonly history: GivenHistory; readonly nowMs: number }
  | { readonly type: 'look'; readonly look: SentLook; readonly nowMs: number }
  | { readonly type: 'lost'; readonly reason: string; readonly retryAtMs: number }
  | { readonly type: 'locked'; readonly isWrong: boolean }
  | { readonly type: 'tick'; readonly nowMs: number }

export function initialState(nowMs: number): PageState {
  return { connection: { kind: 'connecting' }, look: null, lookCameMs: null, series: NO_SERIES, nowMs }
}

/** What was seen stays, whatever becomes of the connection. */
export function nextState(state: PageState, event: PageEvent): PageState {
  switch (event.type) {
    case 'connecting':
      return { ...state, connection: { kind: 'connecting' } }
    case 'history':
      return { ...state, connection: liveOf(state, event.nowMs), series: withHistory(state.series, event.history) }
    case 'look':
      return {
        connection: liveOf(state, event.nowMs),
        look: event.look,
        lookCameMs: event.nowMs,
        series: withLook(state.series, event.look.report, event.look.atMs),
        nowMs: event.nowMs,
      }
    case 'lost':
      return {
        ...state,
        connection: { kind: 'waiting', retryAtMs: event.retryAtMs, reason: event.reason },
      }
    case 'locked':
      return { ...state, connection: { kind: 'locked', isWrong: event.isWrong } }
    case 'tick':
      return { ...state, nowMs: event.nowMs }
    default:
      return unreachable(event)
  }
}

function liveOf({ connection }: PageState, nowMs: number): Connection {
  return connection.kind === 'live' ? connection : { kind: 'live', sinceMs: nowMs }
}

/** A look comes each second; one that is so old is none of now. */
const STALE_MS = 5_000

/** Since when nothing is told of the present, by the browser's clock; null where the page shows the present. */
export function staleSinceMs({
  connection,
  lookCameMs,
  nowMs,
}: Pick<PageState, 'connection' | 'lookCameMs' | 'nowMs'>): number | null {
  if (lookCameMs === null) return null
  return connection.kind === 'live' && nowMs - lookCameMs < STALE_MS ? null : lookCameMs
}
