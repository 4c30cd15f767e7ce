import { unreachable } from '../../../../contracts/failure.ts'
import { type PageState, staleSinceMs } from './page-state.ts'
import { clockText, durationText } from './quantities.ts'
import { steadyOverallOf } from './words.ts'

type Shown = Pick<PageState, 'connection' | 'look' | 'lookCameMs' | 'nowMs'>

/** The connection in words, for its colour too: a server that is there may look for long. */
export function connectionOf(state: Shown): { readonly kind: string; readonly text: string } {
  const { connection, lookCameMs, nowMs } = state
  switch (connection.kind) {
    case 'connecting':
      return { kind: 'connecting', text: 'Connecting' }
    case 'live':
      return staleSinceMs(state) === null
        ? { kind: 'live', text: 'Live' }
        : { kind: 'looking', text: lookingText(nowMs - Math.max(connection.sinceMs, lookCameMs ?? 0)) }
    case 'waiting':
      return {
        kind: 'waiting',
        text: `Reconnecting in ${Math.max(0, Math.ceil((connection.retryAtMs - nowMs) / 1_000))} s`,
      }
    case 'locked':
      return { kind: 'locked', text: 'Locked' }
    default:
      return unreachable(connection)
  }
}

function lookingText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  return `Looking for ${seconds < 60 ? `${seconds} s` : durationText(seconds)} …`
}

/** Why what is shown is not of now, and since when; null where it is of now, and the server is there. */
export function staleText(state: Shown): string | null {
  const sinceMs = staleSinceMs(state)
  const { connection, nowMs } = state
  const reason = connection.kind === 'waiting' ? connection.reason : null
  if (sinceMs === null) return reason
  const since = `Stale since ${clockText(sinceMs)}, ${durationText(Math.max(0, (nowMs - sinceMs) / 1_000))} ago.`
  return `${since} ${reason ?? (connection.kind === 'live' ? 'The server is looking, and has told nothing since.' : 'The server has told nothing since.')}`
}

/** What a screen reader is told when it changes, and not each second: how everybody is, and whether that is of now. */
export function announcementOf(state: Shown): string {
  const { connection, look } = state
  if (connection.kind === 'locked') return 'A token is needed.'
  const sinceMs = staleSinceMs(state)
  if (sinceMs !== null)
    return connection.kind === 'live'
      ? `The server is looking, and has told nothing since ${clockText(sinceMs)}. What is shown is not of now.`
      : // A page that tries again has not come back yet.
        'The connection is lost. What is shown is not of now.'
  return look === null ? '' : `${steadyOverallOf(look)}.`
}
