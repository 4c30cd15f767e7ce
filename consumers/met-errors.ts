import type pg from 'pg'
import { withSession, type PostgresTarget } from '../infra/postgres/session.ts'
import type { ConsumerEvent } from './events.ts'
import type { ConsumerRole } from './role.ts'
import { useState } from './use-state.ts'

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
export async function storeEnding(
  database: PostgresTarget,
  { role, service }: { readonly role: ConsumerRole; readonly service: string },
  text: string,
): Promise<void> {
  const signal = AbortSignal.timeout(FAREWELL_MS)
  await withSession(database, { purpose: `${role.verb} ${service} ending`, signal }, async (client) => {
    await useState(client, role.stateSchema)
    await storeLastError(client, { text, agoMs: 0 })
  }).catch(() => undefined)
}

/** Writes down what was met last of what is wrong, for whoever looks at the service. */
export async function storeLastError(client: pg.Client, { text, agoMs }: MetError): Promise<void> {
  await client.query(
    `INSERT INTO last_error (text, told_at) VALUES ($1, clock_timestamp() - $2 * interval '1 millisecond')
     ON CONFLICT (only_row) DO UPDATE SET text = excluded.text, told_at = excluded.told_at`,
    [text, Math.round(agoMs)],
  )
}

/** A sentence of what was wrong, and how long ago that was. */
export interface MetError {
  readonly text: string
  readonly agoMs: number
}
