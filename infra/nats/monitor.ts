import { z } from 'zod'

/** What a broker says at its monitoring port, or why it could not be asked. */
export type Monitored =
  | { readonly outcome: 'seen'; readonly facts: MonitorFacts }
  | { readonly outcome: 'unseen'; readonly problem: string }

export interface MonitorFacts {
  /** How long an acknowledged message may be in memory alone; 0 for `always`. */
  readonly syncIntervalMs: number
  /** What all streams of the server may take on its disk, and what they take. */
  readonly maxStorageBytes: number
  readonly storageBytes: number
}

/** Without a configuration of its own a broker syncs that often. Manual: docs.nats.io, "JetStream", sync_interval. */
export const DEFAULT_SYNC_INTERVAL_MS = 120_000

const ANSWER_LIMIT_MS = 5_000
const NANOSECONDS_PER_MS = 1_000_000

/** Fields that are nothing are left out by the server. */
const VARZ = z.object({
  jetstream: z.object({
    config: z.object({
      max_storage: z.number(),
      sync_interval: z.number().default(DEFAULT_SYNC_INTERVAL_MS * NANOSECONDS_PER_MS),
      sync_always: z.boolean().default(false),
    }),
    stats: z.object({ storage: z.number().default(0) }),
  }),
})

/** Manual: docs.nats.io, "Monitoring", /varz. */
export async function readMonitor(url: string): Promise<Monitored> {
  const unseen = (problem: string): Monitored => ({ outcome: 'unseen', problem })
  try {
    const answer = await fetch(new URL('/varz', url), { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) })
    if (!answer.ok) return unseen(`answers with status ${answer.status}`)
    const parsed = VARZ.safeParse(await answer.json())
    return parsed.success
      ? { outcome: 'seen', facts: factsOf(parsed.data) }
      : unseen('does not answer as the monitoring port of a broker with JetStream does')
  } catch (error) {
    // Whatever it was: a port that nobody listens on, a name that nobody knows, an answer that is no JSON.
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    return unseen(`cannot be read (${cause instanceof Error ? cause.message : String(cause)})`)
  }
}

function factsOf({ jetstream: { config, stats } }: z.output<typeof VARZ>): MonitorFacts {
  return {
    syncIntervalMs: config.sync_always ? 0 : config.sync_interval / NANOSECONDS_PER_MS,
    maxStorageBytes: config.max_storage,
    storageBytes: stats.storage,
  }
}

/** Where the broker's sync_interval is known from. */
export interface SyncInterval {
  readonly ms: number
  readonly source: 'monitor' | 'configuration' | 'assumed'
}

/** What the broker itself says counts most; with nothing said its default is assumed. */
export function syncInterval(monitored: Monitored | null, configuredMs: number | null): SyncInterval {
  if (monitored?.outcome === 'seen') return { ms: monitored.facts.syncIntervalMs, source: 'monitor' }
  if (configuredMs !== null) return { ms: configuredMs, source: 'configuration' }
  return { ms: DEFAULT_SYNC_INTERVAL_MS, source: 'assumed' }
}
