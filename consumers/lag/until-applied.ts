import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Lsn } from '../../contracts/positions.ts'
import { markedSequence, writeMarker } from '../../infra/following/write-marker.ts'
import { type PostgresTarget, withSession } from '../../infra/postgres/session.ts'
import { type LagSource, readServiceLag, type ServiceLag } from './service-lag.ts'

export interface LagWish {
  readonly monolith: PostgresTarget
  readonly prefix: string
  readonly sources: readonly LagSource[]
  /** How old the first message may be that a service has not applied. At 0 all that the monolith has committed counts. */
  readonly maxLagMs: number
  readonly waitMs: number
  readonly signal: AbortSignal
}

const LOOK_MS = 200

/** A marker that was written before there was a slot is in no stream, and never will be. */
const MARK_AGAIN_MS = 3_000

/**
 * Waits until no service is behind by more than is wished. For no lag at all a marker is written into the monolith: a
 * service is without lag when it has applied all before it.
 * @returns how far the services are, and whether that is as it was wished.
 */
export async function untilApplied(wish: LagWish): Promise<{ readonly services: ServiceLag[]; readonly met: boolean }> {
  const { maxLagMs, signal, sources, waitMs } = wish
  const deadline = Date.now() + waitMs
  const marker = maxLagMs === 0 ? await mark(wish) : null
  for (let markedAt = Date.now(); ;) {
    const services = await Promise.all(sources.map(readServiceLag))
    const met = marker === null ? services.every((lag) => isMet(lag, maxLagMs)) : await isPassed(wish, services, marker)
    if (met || Date.now() >= deadline) return { services, met }
    if (marker !== null && Date.now() - markedAt > MARK_AGAIN_MS && !(await isMarked(wish, marker))) {
      // Whoever has passed this one has passed both.
      await mark(wish)
      markedAt = Date.now()
    }
    await delay(Math.min(LOOK_MS, deadline - Date.now()), undefined, { signal })
  }
}

/** What is parked is not applied, however long it has been read. */
export function isMet({ parked, phase, seconds }: ServiceLag, maxLagMs: number): boolean {
  return phase === 'following' && seconds * 1000 <= maxLagMs && parked === 0
}

async function mark({ monolith, prefix }: LagWish): Promise<Lsn> {
  return await withSession(
    monolith,
    { purpose: 'lag' },
    async (client) => await writeMarker(client, prefix, `lag ${randomUUID()}`),
  )
}

async function isMarked({ prefix, sources }: LagWish, written: Lsn): Promise<boolean> {
  for (const { manager, service } of sources)
    if ((await markedSequence(manager, prefix, service, written)) === null) return false
  return true
}

async function isPassed({ prefix, sources }: LagWish, services: readonly ServiceLag[], written: Lsn): Promise<boolean> {
  for (const { manager, service } of sources) {
    const lag = services.find((each) => each.service === service)
    const sequence = await markedSequence(manager, prefix, service, written)
    if (sequence === null || lag?.phase !== 'following' || lag.streamSequence < sequence || lag.parked > 0) return false
  }
  return true
}
