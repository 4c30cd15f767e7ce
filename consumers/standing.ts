import type { AttemptControl, EpochControl } from '../contracts/wire/message.ts'
import type { Phase } from '../infra/service-database/state-ddl.ts'
import type { Known } from './decide-message.ts'
import type { Checkpoint } from './service-state.ts'

/** Where a service stands while its log is applied: what its checkpoint says, kept up with each step that is stored. */
export class Standing {
  readonly #of: Pick<Known, 'contractSet' | 'service' | 'announced'>
  readonly #attempts: Map<string, number>
  readonly #snapshots: Map<string, string | null>
  #epoch: number
  #epochStartedAt: string | null
  #systemId: string | null
  phase: Phase

  constructor(of: Pick<Known, 'contractSet' | 'service' | 'announced'>, checkpoint: Checkpoint) {
    this.#of = of
    this.#epoch = checkpoint.epoch
    this.#epochStartedAt = checkpoint.epochStartedAt
    this.#systemId = checkpoint.systemId
    this.#snapshots = new Map(checkpoint.snapshots)
    this.phase = checkpoint.phase
    this.#attempts = new Map(checkpoint.attempts)
  }

  get epoch(): number {
    return this.#epoch
  }

  get entities(): string[] {
    return [...this.#attempts.keys()]
  }

  enterEpoch({ epoch, startedAt, systemId }: EpochControl): void {
    this.#epoch = epoch
    this.#epochStartedAt = startedAt
    this.#systemId = systemId
    for (const entity of this.entities) this.#attempts.set(entity, 0)
    this.#snapshots.clear()
  }

  enterAttempt({ attempt, entity, snapshot }: AttemptControl): void {
    this.#attempts.set(entity, attempt)
    this.#snapshots.set(entity, snapshot)
  }

  known(): Known {
    return {
      ...this.#of,
      epoch: this.#epoch,
      epochStartedAt: this.#epochStartedAt,
      systemId: this.#systemId,
      phase: this.phase,
      attempts: this.#attempts,
      snapshots: this.#snapshots,
    }
  }
}
