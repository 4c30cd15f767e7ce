/** One thing that `prepare` or `cancel` makes so, in words for an operator. */
export interface Step {
  /** Where: `the monolith`, `service iam`, `NATS`. */
  readonly subject: string
  /** What, for example `create table public."User"`. */
  readonly action: string
  /** The SQL that does it; for NATS, the stream's configuration as JSON. */
  readonly statements: readonly string[]
}

/** A step before it is carried out: whether it is needed. */
export interface PlannedStep extends Step {
  /** `present`: it is so already. */
  readonly state: 'needed' | 'present'
}

/** A step afterwards. `planned` is what a dry run would have done. */
export interface PreparedStep extends Step {
  readonly outcome: 'done' | 'present' | 'planned'
}

export function preparedStep({ subject, action, statements, state }: PlannedStep, dryRun: boolean): PreparedStep {
  return { subject, action, statements, outcome: state === 'present' ? 'present' : dryRun ? 'planned' : 'done' }
}

/** Told of each step as it is done; where it throws, nothing after that step happens. */
export type StepListener = (step: Step) => void | Promise<void>
