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
  /**
   * When PostgreSQL gives the slot up, at the rate at which what it keeps grew; null where it does not, nothing limits it, or it was not
   * looked at for long enough to know.
   */
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
/** The growth of what the slot keeps is measured over so long, however often it is looked at. */
const GROWTH_MS = 5 * 60_000
/** What a slot keeps grows and drops by turns, so that a shorter time tells nothing of the trend. */
const LEAST_GROWTH_MS = 60_000

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
        slotSecondsLeft: slotSecondsLeft(kept),
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

type SlotLook = Omit<KeptLook, 'points'>

/**
 * At the pace of the last five minutes. What a slot keeps grows with each write, and drops as often as its consumer confirms: so
 * the least of the later half is compared with that of the earlier one, and a drop at either end changes nothing.
 */
export function slotSecondsLeft(looks: readonly SlotLook[]): number | null {
  const latest = looks.findLast(({ retainedBytes }) => retainedBytes !== null)
  if (latest === undefined || latest.safeBytes === null) return null
  const pace = bytesPerSecond(looks.filter(({ atMs }) => atMs <= latest.atMs && latest.atMs - atMs <= GROWTH_MS))
  return pace === null || pace <= 0 ? null : Math.max(0, latest.safeBytes) / pace
}

function bytesPerSecond(looks: readonly SlotLook[]): number | null {
  const known = looks.flatMap(({ atMs, retainedBytes: bytes }) => (bytes === null ? [] : [{ atMs, bytes }]))
  const [first, last] = [known.at(0), known.at(-1)]
  if (first === undefined || last === undefined || last.atMs - first.atMs < LEAST_GROWTH_MS) return null
  const middleMs = (first.atMs + last.atMs) / 2
  const later = known.filter(({ atMs }) => atMs >= middleMs)
  const least = (of: typeof known): number => Math.min(...of.map(({ bytes }) => bytes))
  const grown = least(later) - least(known.filter(({ atMs }) => atMs < middleMs))
  return (grown * 1_000) / ((later[0] ?? last).atMs - first.atMs)
}
