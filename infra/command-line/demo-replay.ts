import { CONSUMER_WINDOW_BYTES } from '../../consumers/consume.ts'
import { replayService } from '../../consumers/replay/replay-service.ts'
import { createByteWindow } from '../byte-window.ts'
import type { Configuration, ServiceTarget } from '../configuration/configuration.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import { withSession } from '../postgres/session.ts'
import { MAX_OUTAGE_MS } from './flags.ts'
import { counted } from './quantities.ts'
import type { Steps } from './steps.ts'

/** The one whose tables the demonstration loses: the first to be migrated. */
export function lostService({ services }: Configuration): ServiceTarget {
  const [first] = services
  if (first === undefined) throw new Error('A contract set has at least one service')
  return first
}

/** Drops a service's tables, and rebuilds them from its log while the monolith goes on. No consumer of it may run. */
export async function dropAndReplay(
  steps: Steps,
  { loaders, nats, prefix, set }: Configuration,
  lost: ServiceTarget,
  signal: AbortSignal,
): Promise<void> {
  const { database, service } = lost
  const tables = counted(service.entities.length, 'table')
  await steps.run(
    'replay',
    async (tell) => {
      await withSession(database, { purpose: 'demo', signal }, async (client) => {
        await client.query(`DROP TABLE ${service.entities.map(tableSql).join(', ')} CASCADE`)
      })
      tell(`${tables} of ${service.name} are dropped …`)
      const window = createByteWindow(CONSUMER_WINDOW_BYTES)
      const replaying = { set, prefix, nats, window, jobs: loaders, maxWaitMs: MAX_OUTAGE_MS, signal }
      const options = { entity: null, ending: 'swap', overwrite: false, restart: false, limit: 1 } as const
      await replayService({ ...replaying, report: () => undefined }, lost, options)
    },
    () => `${tables} of ${service.name} dropped, and rebuilt from the log`,
  )
}
