import { setMaxListeners } from 'node:events'
import type { JetStreamManager, NatsConnection } from 'nats'
import type { LagSources } from '../../consumers/lag/lag-reader.ts'
import type { MonolithConfiguration } from '../configuration/configuration.ts'
import { timeIsUp, within } from '../embedded/deadline.ts'
import { connectNats } from '../nats/connect.ts'
import { keepSessions } from '../postgres/kept-sessions.ts'

/**
 * A server that is there takes leave at once; one whose machine is gone never does, and must not keep a command from its end. It is
 * longer than a server of the page takes to end.
 */
const CLOSE_LIMIT_MS = 2_000

/** Runs an action with what lag is read from. */
export async function withLagSources<Result>(
  configuration: MonolithConfiguration,
  verb: string,
  action: (sources: LagSources) => Promise<Result>,
): Promise<Result> {
  const { close, sources } = openLagSources(configuration, verb)
  try {
    return await action(sources)
  } finally {
    await close()
  }
}

interface OpenSources {
  readonly sources: LagSources
  /** Ends whoever reads them, and then all connections; what has not ended in two seconds is broken off. */
  readonly close: (endReaders?: () => Promise<void>) => Promise<void>
}

/** What lag is read from. The broker is connected when it is needed: it may be what is away. */
export function openLagSources(
  { monolith, nats, prefix, services: configured }: MonolithConfiguration,
  verb: string,
): OpenSources {
  const breakOff = new AbortController()
  // One of each session.
  setMaxListeners(0, breakOff.signal)
  const sessions = keepSessions()
  const broker = createBroker(async () => await connectNats(nats, verb))
  const services = configured.map(({ service, database }) => ({
    service: service.name,
    database,
    entities: service.entities,
  }))
  const { signal } = breakOff
  const sources: LagSources = {
    monolith,
    nats,
    prefix,
    services,
    manager: broker.manager,
    use: async (target, options, action) => await sessions.use(target, { signal, ...options }, action),
    wayOut: `run ${verb} again`,
  }
  const end = async (endReaders: () => Promise<void>): Promise<void> => {
    await endReaders()
    await Promise.all([broker.close(), sessions.end()])
  }
  return {
    sources,
    close: async (endReaders = async () => undefined) => {
      const ended = await within(CLOSE_LIMIT_MS, end(endReaders))
      if (ended === timeIsUp) breakOff.abort()
    },
  }
}

interface Broker {
  readonly manager: () => Promise<JetStreamManager>
  readonly close: () => Promise<void>
}

/** One connection for all who ask; where it cannot be made the next one who asks tries again. */
function createBroker(connect: () => Promise<NatsConnection>): Broker {
  let connecting: Promise<NatsConnection> | null = null
  let managing: Promise<JetStreamManager> | null = null
  const connected = async (): Promise<NatsConnection> =>
    await (connecting ??= connect().catch((error: unknown) => {
      connecting = null
      throw error
    }))
  return {
    manager: async () =>
      await (managing ??= connected()
        .then(async (connection) => await connection.jetstreamManager())
        .catch((error: unknown) => {
          managing = null
          throw error
        })),
    close: async () => {
      const connection = await connecting?.catch(() => null)
      await connection?.close()
    },
  }
}
