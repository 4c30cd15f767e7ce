import { adviceFor } from './advice.ts'
import type { SentLook } from './page-state.ts'
import { StatusChip } from './status-chip.tsx'

/** What somebody must do something about, with what that is. Nothing, where all is well. */
export function Attention({ look }: { readonly look: SentLook }) {
  const advice = adviceFor(look.report, look.slotSecondsLeft)
  const { problems } = look.report
  if (advice.length === 0 && problems.length === 0) return null
  return (
    <section class="card attention" aria-labelledby="attention">
      <h2 id="attention">What to do</h2>
      <ul>
        {problems.map(({ sentence }) => (
          <li key={sentence}>
            <StatusChip tone="bad" text="cannot be told" />
            <p>{sentence}</p>
          </li>
        ))}
        {advice.map(({ about, command, text, tone, verdict }) => (
          <li key={`${about} ${tone} ${command}`}>
            <StatusChip {...verdict} />
            <p>
              <strong>{about}</strong> {text}
              {command === null ? null : (
                <>
                  {' '}
                  <code>{command}</code>
                </>
              )}
            </p>
          </li>
        ))}
      </ul>
    </section>
  )
}
