import { createLogLagReader } from '../../infra/following/log-lag.ts'
import { type MonolithStanding, readMonolithStanding } from '../../infra/following/monolith-standing.ts'
import type { PostgresTarget } from '../../infra/postgres/session.ts'
import { type LagSource, readServiceLag, type ServiceLag } from './service-lag.ts'

/** How a split is: the monolith's side of the log, and each service, in the order of the migration. */
export interface LagReport {
  readonly monolith: MonolithStanding
  readonly services: readonly ServiceLag[]
}

export interface LagSources {
  readonly monolith: PostgresTarget
  readonly prefix: string
  readonly services: readonly LagSource[]
}

/** Looks when it is called, and may be called again and again. */
export function createLagReader({ monolith: target, prefix, services }: LagSources): () => Promise<LagReport> {
  const readLogLag = createLogLagReader(prefix)
  return async () => {
    const monolith = await readMonolithStanding(target, prefix, readLogLag)
    const since = performance.now()
    const now = (): number => monolith.nowMs + (performance.now() - since)
    const clock = { toLog: monolith.lag, now }
    return {
      monolith,
      services: await Promise.all(services.map(async (source) => await readServiceLag(source, clock))),
    }
  }
}
