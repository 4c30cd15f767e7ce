import type { LagLook } from '../../consumers/lag/lag-watch.ts'
import { isKnown } from '../../consumers/lag/lag-report.ts'
import { errorSentences, parkedSentences } from './lag-text.ts'
import { type Line, span, type Tone, wrapSentence } from './terminal-line.ts'
import { toneOf } from './watch-state.ts'

/** What an operator should read below the table: what is in the way, what is parked, and what consumers said last, in full. */
export function messageLines({ report: { problems, services } }: LagLook, columns: number): Line[] {
  const known = services.filter(isKnown)
  const told = known.flatMap((lag): (readonly [string, Tone])[] => [
    ...parkedSentences([lag], Number.POSITIVE_INFINITY).map((sentence) => [sentence, 'fair'] as const),
    ...errorSentences([lag], Number.POSITIVE_INFINITY).map(
      // What a consumer met that works again is history.
      (sentence) => [sentence, lag.status === 'ok' ? 'faint' : toneOf(lag.status)] as const,
    ),
  ])
  // A sentence without colours must not be taken for a service, nor for the end of the one before it.
  return [...problems.map(({ sentence }) => [sentence, 'bad'] as const), ...told].flatMap(([sentence, tone]) =>
    wrapSentence(sentence, columns, '  ').map((line) => [span(line, tone)]),
  )
}
