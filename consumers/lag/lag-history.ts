import { isKnown, type LagReport } from './lag-report.ts'
import type { ServiceLag } from './service-lag.ts'

/** What the looks of the last minutes add up to. */
export interface LagHistory {
  /** When each look was made, the oldest first, in milliseconds since 1970. */
  readonly times: readonly number[]
  /** Of each service, at each of these times; null where nothing could be told. */
  readonly services: Readonly<Record<string, readonly (LagPoint | null)[]>>
  /** WAL that the slot keeps, at each of these times. */
  readonly retainedBytes: readonly (number | null)[]
  /** When PostgreSQL gives the slot up, at the rate at which what it keeps grew; null where it does not, or nothing limits it. */
  readonly slotSecondsLeft: number | null
}

export interface LagPoint {
  /** Seconds that the oldest change is old which is not applied. */
  readonly appliedSeconds: number
  readonly messages: number
  readonly messagesPerSecond: number
}

/** Ten minutes, one look a second. */
const KEPT = 600
/** The growth of what the slot keeps is measured over so many looks: a checkpoint makes it jump. */
const GROWTH_LOOKS = 60

interface KeptLook {
  readonly atMs: number
  readonly points: ReadonlyMap<string, LagPoint>
  readonly retainedBytes: number | null
  readonly safeBytes: number | null
}

/** Keeps what whoever looks again and again wants to draw. */
export function createLagHistory(): { readonly after: (report: LagReport, atMs: number) => LagHistory } {
  const kept: KeptLook[] = []
  return {
    after: (report, atMs) => {
      kept.push(keptLook(report, atMs))
      if (kept.length > KEPT) kept.shift()
      const names = report.services.map(({ service }) => service)
      return {
        times: kept.map((look) => look.atMs),
        services: Object.fromEntries(names.map((name) => [name, kept.map(({ points }) => points.get(name) ?? null)])),
        retainedBytes: kept.map(({ retainedBytes }) => retainedBytes),
        slotSecondsLeft: slotSecondsLeft(kept.slice(-GROWTH_LOOKS)),
      }
    },
  }
}

function keptLook({ monolith, services }: LagReport, atMs: number): KeptLook {
  const slot = monolith?.slot ?? null
  return {
    atMs,
    points: new Map(
      services
        .filter(isKnown)
        .filter(isTold)
        .map((lag) => [lag.service, pointOf(lag)]),
    ),
    retainedBytes: slot?.retainedBytes ?? null,
    safeBytes: slot?.safeBytes ?? null,
  }
}

/** Where nothing tells of the first hop, a service that is level with the log may be behind by anything. */
function isTold({ hops: { toDatabase } }: ServiceLag): boolean {
  return toDatabase.bound !== 'at least' || toDatabase.seconds > 0
}

function pointOf({ hops, messages, messagesPerSecond }: ServiceLag): LagPoint {
  return { appliedSeconds: hops.toDatabase.seconds, messages, messagesPerSecond }
}

/** At the rate of the looks that know it, the oldest and the latest of them. */
export function slotSecondsLeft(looks: readonly Omit<KeptLook, 'points'>[]): number | null {
  const known = looks.filter(({ retainedBytes }) => retainedBytes !== null)
  const [first, latest] = [known.at(0), known.at(-1)]
  if (first === undefined || latest === undefined || latest.safeBytes === null) return null
  const grown = (latest.retainedBytes ?? 0) - (first.retainedBytes ?? 0)
  const seconds = (latest.atMs - first.atMs) / 1_000
  return grown <= 0 || seconds <= 0 ? null : (latest.safeBytes * seconds) / grown
}
