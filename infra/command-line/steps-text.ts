import type { CancelledStep } from '../cancel/step.ts'
import type { PreparedStep } from '../prepare/step.ts'
import { counted, countText } from './quantities.ts'
import { tableText } from './tables.ts'

/** A step of `prepare` or of `cancel`. */
type AnyStep = PreparedStep | CancelledStep

/** What would be done, each step under its place; what is so already is left out. */
export function plannedText(steps: readonly AnyStep[]): string {
  const planned = steps.filter(({ outcome }) => outcome === 'planned' || outcome === 'left')
  return subjectsOf(planned)
    .map((subject) => {
      const own = planned.filter((step) => step.subject === subject)
      return [subject, ...own.map((step) => `  ${stepText(step)}`)].join('\n')
    })
    .join('\n')
}

/** What was done, in numbers for each place, and what was left alone. */
export function doneText(steps: readonly AnyStep[]): string {
  const count = (subject: string, outcomes: readonly AnyStep['outcome'][]): string =>
    countText(steps.filter((step) => step.subject === subject && outcomes.includes(step.outcome)).length)
  const table = tableText(
    [
      { title: 'place', align: 'left' },
      { title: 'done', align: 'right' },
      { title: 'so already', align: 'right' },
    ],
    subjectsOf(steps).map((subject) => [subject, count(subject, ['done']), count(subject, ['present', 'absent'])]),
  )
  const left = steps.filter(({ outcome }) => outcome === 'left').map((step) => `${step.subject}: ${stepText(step)}`)
  return [table, ...(left.length > 0 ? ['', ...left] : [])].join('\n')
}

export function stepsLeft(steps: readonly AnyStep[]): number {
  return steps.filter(({ outcome }) => outcome === 'planned').length
}

/** How much is left to do, for a sentence. */
export function stepCount(steps: readonly AnyStep[]): string {
  const planned = steps.filter(({ outcome }) => outcome === 'planned')
  return `${counted(planned.length, 'step')} in ${counted(subjectsOf(planned).length, 'place')}`
}

function stepText(step: AnyStep): string {
  return step.outcome === 'left' ? `not: ${step.action} (${step.reason})` : step.action
}

function subjectsOf(steps: readonly AnyStep[]): string[] {
  return [...new Set(steps.map(({ subject }) => subject))]
}
