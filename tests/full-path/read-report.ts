import type { JetStreamManager } from 'nats'
import { createLagReader } from '../../consumers/lag/lag-reader.ts'
import type { LagReport } from '../../consumers/lag/lag-report.ts'
import { withNats } from '../../infra/nats/connect.ts'
import { withSession } from '../../infra/postgres/session.ts'
import type { Following } from './following.ts'

/** What lag tells of a split. */
export async function readReport({ monolith, nats, prefix, services }: Following): Promise<LagReport> {
  return await withNats(nats, 'test', async (connection) => {
    const manager = async (): Promise<JetStreamManager> => await connection.jetstreamManager()
    const sources = services.map(({ database, service }) => ({
      service: service.name,
      database,
      entities: service.entities,
    }))
    return await createLagReader({
      monolith,
      nats,
      prefix,
      services: sources,
      manager,
      use: withSession,
      wayOut: 'look again',
    })()
  })
}
