import type { ConsumerEvent } from '../events.ts'

/** A step of a replay that is done. */
export interface StepDone {
  readonly type: 'step-done'
  readonly service: string
  readonly step: ReplayStep
  /** What came of it, for example `4 tables, 1,200 rows`. */
  readonly detail: string
  readonly seconds: number
}

export type ReplayStep =
  | 'prepared'
  | 'loaded'
  | 'snapshot proven'
  | 'compared'
  | 'caught up'
  | 'finished'
  | 'swapped'
  | 'merged'
  | 'cleaned up'

export type ReplayEvent = ConsumerEvent | StepDone

export type ReportReplay = (event: ReplayEvent) => void
