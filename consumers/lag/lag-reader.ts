import type { JetStreamManager } from 'nats'
import { Failure } from '../../contracts/failure.ts'
import { createLogLagReader, NOTHING_TELLS } from '../../infra/following/log-lag.ts'
import { type MonolithStanding, readMonolithStanding } from '../../infra/following/monolith-standing.ts'
import { brokerFailure, BrokerFailure, type NatsTarget } from '../../infra/nats/connect.ts'
import { sessionFailure } from '../../infra/postgres/session-failure.ts'
import type { UseSession } from '../../infra/postgres/kept-sessions.ts'
import type { PostgresTarget } from '../../infra/postgres/session.ts'
import type { LagReport, Problem } from './lag-report.ts'
import { createEstimates, type EstimatedTable } from './row-estimates.ts'
import { createServiceLagReader, type MonolithClock } from './service-lag.ts'

export interface LagSources {
  readonly monolith: PostgresTarget
  readonly prefix: string
  readonly services: readonly LagSourceService[]
  /** Rejects where the broker cannot be reached; then it is tried again. */
  readonly manager: () => Promise<JetStreamManager>
  readonly nats: NatsTarget
  /** In which sessions is looked: those of `keepSessions` where it is done again and again. */
  readonly use: UseSession
  /** Ends a sentence, for example `run lag again`. */
  readonly wayOut: string
}

interface LagSourceService {
  readonly service: string
  readonly database: PostgresTarget
  readonly entities: readonly EstimatedTable[]
}

/** Looks when it is called, and may be called again and again. */
export function createLagReader(sources: LagSources): () => Promise<LagReport> {
  const { manager, monolith: target, prefix, use } = sources
  const lookingOn = { readLogLag: createLogLagReader(prefix), use }
  const readEstimates = createEstimates(target, use)
  const readers = sources.services.map(({ database, entities, service }) => ({
    database,
    entities,
    service,
    read: createServiceLagReader({
      prefix,
      service,
      database,
      entities: entities.map(({ name }) => name),
      manager,
      use,
    }),
  }))
  return async () => {
    const problems = new Map<string, Problem>()
    const note = (error: unknown, of: PostgresTarget): void => {
      const failure = failureOf(error, sources, of)
      const { exitCode, message: sentence } = failure
      problems.set(sentence, { sentence, exitCode, ...(failure instanceof BrokerFailure && { isOfBroker: true }) })
    }
    const monolith = await readMonolithStanding(target, prefix, lookingOn).catch((error: unknown) => {
      note(error, target)
      return null
    })
    const clock = clockOf(monolith)
    const services = await Promise.all(
      readers.map(async ({ database, entities, read, service }) => {
        try {
          return await read(clock, async () => {
            if (monolith === null) return null
            return await readEstimates(service, entities).catch((error: unknown) => {
              note(error, target)
              return null
            })
          })
        } catch (error) {
          note(error, database)
          return { service, status: 'unknown' } as const
        }
      }),
    )
    return { monolith, services, problems: [...problems.values()] }
  }
}

/** @throws the error itself where no server has to do with it: that is a defect of ours. */
export function failureOf(error: unknown, { nats, wayOut }: LagSources, of: PostgresTarget): Failure {
  const failure = brokerFailure(nats, sessionFailure(of, error, wayOut), wayOut)
  if (failure instanceof Failure) return failure
  throw failure
}

/** Where the monolith cannot be reached our own clock must do. */
function clockOf(monolith: MonolithStanding | null): MonolithClock {
  if (monolith === null) return { toLog: NOTHING_TELLS, now: () => Date.now() }
  const since = performance.now()
  return { toLog: monolith.lag, now: () => monolith.nowMs + (performance.now() - since) }
}
