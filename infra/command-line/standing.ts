import type { JetStreamManager, NatsConnection } from 'nats'
import type { LagSources } from '../../consumers/lag/lag-reader.ts'
import type { MonolithConfiguration } from '../configuration/configuration.ts'
import { connectNats } from '../nats/connect.ts'
import { keepSessions } from '../postgres/kept-sessions.ts'

/** Runs an action with what lag is read from. The broker is connected when it is needed: it may be what is away. */
export async function withLagSources<Result>(
  { monolith, nats, prefix, services: configured }: MonolithConfiguration,
  verb: string,
  action: (sources: LagSources) => Promise<Result>,
): Promise<Result> {
  const sessions = keepSessions()
  const broker = createBroker(async () => await connectNats(nats, verb))
  const services = configured.map(({ service, database }) => ({
    service: service.name,
    database,
    entities: service.entities,
  }))
  try {
    return await action({
      monolith,
      nats,
      prefix,
      services,
      manager: broker.manager,
      use: sessions.use,
      wayOut: `run ${verb} again`,
    })
  } finally {
    await Promise.all([broker.close(), sessions.end()])
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
