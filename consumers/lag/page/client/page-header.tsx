import { announcementOf, connectionOf, staleText } from './connection-words.ts'
import type { PageState } from './page-state.ts'
import { StatusIcon } from './status-chip.tsx'
import { overallOf } from './words.ts'

export function PageHeader({ state }: { readonly state: PageState }) {
  const { connection, look } = state
  const overall = look === null ? null : overallOf(look)
  const { kind, text } = connectionOf(state)
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
      <p class={`connection ${kind}`}>
        <span class="dot" aria-hidden="true" />
        <span>{text}</span>
      </p>
      <p class="unseen" role="status" aria-live="polite">
        {announcementOf(state)}
      </p>
    </header>
  )
}

/** What is shown is not of now: since when, and why. */
export function StaleBanner({ state }: { readonly state: PageState }) {
  const text = staleText(state)
  return text === null ? null : <p class="stale-banner">{text}</p>
}
