import type { NatsConnection } from 'nats'
import type { LagSource } from '../../consumers/lag/service-lag.ts'
import type { Configuration } from '../configuration/configuration.ts'
import { brokerFailure, withNats } from '../nats/connect.ts'

/** Runs an action with what each service's lag is read from. */
export async function withLagSources<Result>(
  { nats, prefix, services }: Configuration,
  verb: string,
  action: (sources: LagSource[], connection: NatsConnection) => Promise<Result>,
): Promise<Result> {
  try {
    return await withNats(nats, verb, async (connection) => {
      const manager = await connection.jetstreamManager()
      const sources = services.map(({ service, database }) => ({ manager, prefix, service: service.name, database }))
      return await action(sources, connection)
    })
  } catch (error) {
    throw brokerFailure(nats, error, `run ${verb} again`)
  }
}
