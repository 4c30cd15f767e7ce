import { withSession, type PostgresTarget } from '../infra/postgres/session.ts'
import type { ConsumerEvent } from './events.ts'
import { type MetError, storeLastError } from './service-state.ts'

/** Keeps what a consumer met last of what is wrong, until it can be written down: its database may be what is away. */
export interface MetErrors {
  readonly after: (event: ConsumerEvent) => void
  /** The last one, which is forgotten with that. */
  readonly take: () => MetError | null
}

export function keepErrors(): MetErrors {
  let met: { readonly text: string; readonly atMs: number } | null = null
  return {
    after: (event) => {
      if (event.type === 'notice' && event.isFault === true) met = { text: event.text, atMs: performance.now() }
    },
    take: () => {
      const taken = met
      met = null
      return taken === null ? null : { text: taken.text, agoMs: performance.now() - taken.atMs }
    },
  }
}

/** Whoever ends is not to wait for long to say why. */
const FAREWELL_MS = 2_000

/** Writes down why a consumer ends, if its database can be reached: it is said on standard error in any case. */
export async function storeEnding(database: PostgresTarget, service: string, text: string): Promise<void> {
  const signal = AbortSignal.timeout(FAREWELL_MS)
  await withSession(database, { purpose: `consume ${service} ending`, signal }, async (client) => {
    await storeLastError(client, { text, agoMs: 0 })
  }).catch(() => undefined)
}
