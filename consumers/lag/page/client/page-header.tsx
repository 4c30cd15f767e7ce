import { type PageState, staleSinceMs } from './page-state.ts'
import { clockText, durationText } from './quantities.ts'
import { StatusIcon } from './status-chip.tsx'
import { announcementOf, connectionText, overallOf } from './words.ts'

export function PageHeader({ state }: { readonly state: PageState }) {
  const { connection, look, nowMs } = state
  const overall = look === null ? null : overallOf(look.report)
  return (
    <header class="head">
      <div class="head-names">
        <p class="brand">Scission</p>
        <h1>{look?.title ?? 'Lag'}</h1>
      </div>
      {overall === null ? (
        <p class="overall unknown">{look === null && connection.kind === 'live' ? 'Looking …' : ''}</p>
      ) : (
        <p class={`overall ${overall.tone}`}>
          <StatusIcon tone={overall.tone} />
          <span>{overall.text}</span>
        </p>
      )}
      <p class={`connection ${connection.kind}`}>
        <span class="dot" aria-hidden="true" />
        <span>{connectionText(connection, nowMs)}</span>
      </p>
      <p class="unseen" role="status" aria-live="polite">
        {announcementOf(look?.report ?? null, connection, staleSinceMs(state) !== null)}
      </p>
    </header>
  )
}

/** What is shown is not of now: since when, and why. */
export function StaleBanner({ state }: { readonly state: PageState }) {
  const sinceMs = staleSinceMs(state)
  const { connection, nowMs } = state
  if (sinceMs === null && connection.kind !== 'waiting') return null
  const reason = connection.kind === 'waiting' ? connection.reason : 'The server has told nothing since.'
  return (
    <p class="stale-banner">
      {sinceMs === null
        ? reason
        : `Stale since ${clockText(sinceMs)}, ${durationText(Math.max(0, (nowMs - sinceMs) / 1_000))} ago. ${reason}`}
    </p>
  )
}
