import type { Step } from '../prepare/step.ts'

/** A step of `cancel` before it is carried out. `left` is what it must not touch, with the reason. */
export type PlannedCancelStep = Step &
  ({ readonly state: 'needed' | 'absent' } | { readonly state: 'left'; readonly reason: string })

/** A step afterwards. `planned` is what a dry run would have done; `absent` what was gone, or never there. */
export type CancelledStep = Step &
  ({ readonly outcome: 'done' | 'absent' | 'planned' } | { readonly outcome: 'left'; readonly reason: string })

export function cancelledStep(planned: PlannedCancelStep, dryRun: boolean): CancelledStep {
  const { subject, action, statements } = planned
  const step = { subject, action, statements }
  if (planned.state === 'left') return { ...step, outcome: 'left', reason: planned.reason }
  return { ...step, outcome: planned.state === 'absent' ? 'absent' : dryRun ? 'planned' : 'done' }
}
