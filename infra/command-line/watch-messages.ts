import type { LagLook } from '../../consumers/lag/lag-watch.ts'
import { isKnown } from '../../consumers/lag/lag-report.ts'
import type { Advice } from '../../consumers/lag/service-advice.ts'
import { sourceAdvice, sourceFaults } from '../../consumers/lag/source-faults.ts'
import { errorSentences, parkedSentences, replaySentences } from './lag-text.ts'
import { bytesText, durationText } from './quantities.ts'
import { type Line, span, type Tone, wrapSentence } from './terminal-line.ts'
import { shownTone, toneOf } from './watch-state.ts'

/** What an operator should read below the table: what is in the way, what is parked, and what consumers said last, in full. */
export function messageLines(look: LagLook, columns: number): Line[] {
  const { problems, services } = look.report
  const told = services.filter(isKnown).flatMap((lag): (readonly [string, Tone])[] => [
    ...parkedSentences([lag], Number.POSITIVE_INFINITY).map((sentence) => [sentence, 'fair'] as const),
    ...replaySentences([lag], Number.POSITIVE_INFINITY).map((sentence) => [sentence, 'fair'] as const),
    ...errorSentences([lag], Number.POSITIVE_INFINITY).map(
      // What a consumer met that works again is history.
      (sentence) => [sentence, lag.status === 'ok' ? 'faint' : toneOf(lag.status)] as const,
    ),
  ])
  const all = [...problems.map(({ sentence }) => [sentence, 'bad'] as const), ...sourceSentences(look), ...told]
  // A sentence without colours must not be taken for a service, nor for the end of the one before it.
  return all.flatMap(([sentence, tone]) => wrapSentence(sentence, columns, '  ').map((line) => [span(line, tone)]))
}

/** What to do about the way from the monolith into the log. */
function sourceSentences({ history, report }: LagLook): (readonly [string, Tone])[] {
  return sourceFaults(report, history.slotSecondsLeft).flatMap((fault) => {
    const advice = sourceAdvice(fault, { bytesText, durationText })
    return advice === null ? [] : [[`The monolith ${withCommand(advice)}`, shownTone(fault.tone)] as const]
  })
}

export function withCommand({ command, text }: Advice): string {
  return command === null ? text : `${text} Run ${command}.`
}
