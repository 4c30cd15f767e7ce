import type { EmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'
import type { CopyShape } from './copy-shape.ts'
import type { Scenario, SourceSize } from './scenario.ts'

/** A filled source on a running server, to be copied again and again. */
export interface Bench {
  readonly scenario: Scenario
  readonly size: SourceSize
  readonly postgres: EmbeddedPostgres
  /** The postmaster's process, if processes can be watched. */
  readonly postmaster: number | undefined
  /** What every copy must be like. */
  readonly shape: CopyShape
  readonly signal: AbortSignal
}
