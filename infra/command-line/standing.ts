import type { LagSources } from '../../consumers/lag/lag-report.ts'
import type { MonolithConfiguration } from '../configuration/configuration.ts'
import { brokerFailure, withNats } from '../nats/connect.ts'

/** Runs an action with what lag is read from. */
export async function withLagSources<Result>(
  { monolith, nats, prefix, services: configured }: MonolithConfiguration,
  verb: string,
  action: (sources: LagSources) => Promise<Result>,
): Promise<Result> {
  try {
    return await withNats(nats, verb, async (connection) => {
      const manager = await connection.jetstreamManager()
      const services = configured.map(({ service, database }) => ({ manager, prefix, service: service.name, database }))
      return await action({ monolith, prefix, services })
    })
  } catch (error) {
    throw brokerFailure(nats, error, `run ${verb} again`)
  }
}
