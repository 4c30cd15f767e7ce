import { adviceOf } from './advice.ts'
import type { SentLook } from './page-state.ts'
import { StatusChip } from './status-chip.tsx'
import { verdictOf } from './words.ts'

/** What somebody must do something about, with what that is. Nothing, where all is well. */
export function Attention({ look }: { readonly look: SentLook }) {
  const advice = adviceOf(look.report, look.slotSecondsLeft)
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
        {advice.map(({ about, command, text, tone }) => {
          const lag = look.report.services.find(({ service }) => service === about)
          return (
            <li key={`${about} ${tone}`}>
              <StatusChip
                tone={tone}
                text={lag === undefined ? (tone === 'bad' ? 'danger' : 'warning') : verdictOf(lag).text}
              />
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
          )
        })}
      </ul>
    </section>
  )
}
