import { STATE_SCHEMA } from './use-state.ts'

/** As what a log is applied: by the service's consumer, or by a replay, which has tables and a state of its own. */
export interface ConsumerRole {
  /** Begins the names by which an operator finds the sessions. */
  readonly verb: 'consume' | 'replay'
  /** The schema of the state that the log is applied with. */
  readonly stateSchema: string
  /** Entities of the service of which nothing is applied: others than the one that is replayed. */
  readonly passedOver: ReadonlySet<string>
}

export const CONSUMER: ConsumerRole = { verb: 'consume', stateSchema: STATE_SCHEMA, passedOver: new Set() }
