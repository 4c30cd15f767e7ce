import { isKnown, type LagReport } from '../../lag-report.ts'
import { type Advice, adviceOf, sentence } from '../../service-advice.ts'
import type { ServiceLag } from '../../service-lag.ts'
import { sourceAdvice, sourceFaults } from '../../source-faults.ts'
import { byGravity, type Tone, type Verdict, verdictOf } from '../../verdict.ts'
import { bytesText, durationText } from './quantities.ts'

export interface ShownAdvice extends Advice {
  readonly about: string
  readonly tone: Tone
  /** How that is which it is about. */
  readonly verdict: Verdict
}

/** What an operator must know, and can do, of all that is not well; the gravest first. */
export function adviceFor(report: LagReport, slotSecondsLeft: number | null): ShownAdvice[] {
  const source = sourceFaults(report, slotSecondsLeft).flatMap((fault) => {
    const advice = sourceAdvice(fault, { bytesText, durationText })
    const { tone } = fault
    return advice === null ? [] : [{ ...advice, about: 'The monolith', tone, verdict: { tone, text: DANGER[tone] } }]
  })
  const services = report.services.filter(isKnown).flatMap((lag) => {
    const advice = adviceOf(lag)
    const verdict = verdictOf(lag)
    return advice === null
      ? []
      : [{ ...advice, text: withSaid(advice.text, lag), about: lag.service, tone: verdict.tone, verdict }]
  })
  return byGravity<ShownAdvice>([...source, ...services])
}

const DANGER: Readonly<Record<Tone, string>> = {
  calm: 'notice',
  busy: 'notice',
  parked: 'notice',
  warning: 'warning',
  unknown: 'unknown',
  bad: 'danger',
}

/** With what the consumer said last of a fault, where that may be why. */
function withSaid(text: string, { lastError, status, stopped }: ServiceLag): string {
  if (lastError === null || status === 'parked' || (status === 'stop' && stopped !== null)) return text
  return `${text} It said ${durationText(lastError.secondsAgo)} ago: ${sentence(lastError.text)}`
}
