import { neededLogBytes } from './check-log.ts'
import type { PreflightContext } from './context.ts'

/** From the monolith to services that are whole, indexes included, as measured on two cores (docs/benchmarks.md). */
export const ESTIMATED_BYTES_PER_SECOND = 30_000_000

/** What a split will take, by sizes of the catalog: an estimate, as old as the tables' last VACUUM or ANALYZE. */
export interface Estimate {
  readonly tableBytes: number
  /** On the brokers' disks, all replicas together; compression makes it less. */
  readonly logBytes: number
  /** In the services' databases together: tables, and all indexes of the monolith. */
  readonly serviceBytes: number
  readonly seconds: number
  /** The rate that the duration rests on. */
  readonly bytesPerSecond: number
}

/** Null where the monolith could not be looked at. */
export function estimate(context: PreflightContext): Estimate | null {
  if (context.monolith === null) return null
  const logBytes = neededLogBytes(context)
  const tableBytes = logBytes / context.deployment.replicas
  return {
    tableBytes,
    logBytes,
    serviceBytes: tableBytes + context.monolith.indexBytes,
    seconds: tableBytes / ESTIMATED_BYTES_PER_SECOND,
    bytesPerSecond: ESTIMATED_BYTES_PER_SECOND,
  }
}
