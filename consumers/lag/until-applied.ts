import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Lsn } from '../../contracts/positions.ts'
import { markedSequence, writeMarker } from '../../infra/following/write-marker.ts'
import { withSession } from '../../infra/postgres/session.ts'
import { createLagReader, failureOf, type LagSources } from './lag-reader.ts'
import { isKnown, type LagReport } from './lag-report.ts'
import type { ServiceLag } from './service-lag.ts'

export interface LagWish {
  readonly sources: LagSources
  /** How old the oldest change may be that a service has not applied. At 0 all that the monolith has committed counts. */
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
export async function untilApplied(wish: LagWish): Promise<LagReport & { readonly met: boolean }> {
  const { maxLagMs, signal, sources, waitMs } = wish
  const readReport = createLagReader(sources)
  const deadline = Date.now() + waitMs
  const marker = maxLagMs === 0 ? await mark(sources) : null
  for (let markedAt = Date.now(); ;) {
    const report = await readReport()
    const met = marker === null ? isMet(report, maxLagMs) : await isPassed(sources, report, marker)
    if (met || Date.now() >= deadline) return { ...report, met }
    if (marker !== null && Date.now() - markedAt > MARK_AGAIN_MS && !(await isMarked(sources, marker))) {
      // Whoever has passed this one has passed both.
      await mark(sources)
      markedAt = Date.now()
    }
    await delay(Math.min(LOOK_MS, deadline - Date.now()), undefined, { signal })
  }
}

export function isMet({ services }: Pick<LagReport, 'services'>, maxLagMs: number): boolean {
  return services.every((lag) => isKnown(lag) && isNear(lag, maxLagMs))
}

/** What is parked is not applied, however long it has been read; and what nobody can tell is not near. */
function isNear({ hops: { toDatabase }, parked, phase }: ServiceLag, maxLagMs: number): boolean {
  const isTold = toDatabase.bound !== 'at least'
  return phase === 'following' && isTold && toDatabase.seconds * 1000 <= maxLagMs && parked === 0
}

async function mark({ monolith, prefix }: LagSources): Promise<Lsn> {
  return await withSession(
    monolith,
    { purpose: 'lag' },
    async (client) => await writeMarker(client, prefix, `lag ${randomUUID()}`),
  )
}

async function isMarked(sources: LagSources, written: Lsn): Promise<boolean> {
  const { services } = sources
  const sequences = await Promise.all(services.map(async ({ service }) => await sequenceOf(sources, service, written)))
  return sequences.every((sequence) => sequence !== null)
}

async function isPassed(sources: LagSources, { services }: LagReport, written: Lsn): Promise<boolean> {
  for (const lag of services) {
    if (!isKnown(lag) || !lag.isOfStream || lag.phase !== 'following' || lag.parked > 0) return false
    const sequence = await sequenceOf(sources, lag.service, written)
    if (sequence === null || lag.streamSequence < sequence) return false
  }
  return true
}

/** A broker that is away tells nothing, and may be back when it is asked again. */
async function sequenceOf(sources: LagSources, service: string, written: Lsn): Promise<number | null> {
  const { manager, monolith, prefix } = sources
  try {
    return await markedSequence(await manager(), prefix, service, written)
  } catch (error) {
    failureOf(error, sources, monolith)
    return null
  }
}
