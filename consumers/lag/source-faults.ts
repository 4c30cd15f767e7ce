import { unreachable } from '../../contracts/failure.ts'
import type { Age } from '../../infra/following/log-lag.ts'
import type { SlotStanding } from '../../infra/following/monolith-standing.ts'
import type { Advice } from './service-advice.ts'
import { isKnown, type LagReport } from './lag-report.ts'
import { byGravity, type Tone } from './verdict.ts'

/** What is not well on the way from the monolith into the log, on which all services depend. */
export type SourceFault = { readonly tone: Tone } & (
  | { readonly kind: 'monolith unknown' }
  /** `isBegun` where services hold something of a log: it was published without a slot, or that is gone. */
  | { readonly kind: 'no slot'; readonly isBegun: boolean }
  | { readonly kind: 'slot lost'; readonly slot: SlotStanding }
  /** It keeps more than it may already. */
  | { readonly kind: 'slot ending'; readonly slot: SlotStanding }
  /** `secondsLeft` is null where nothing tells it. */
  | { readonly kind: 'slot scarce'; readonly slot: SlotStanding; readonly secondsLeft: number | null }
  | { readonly kind: 'not followed'; readonly slot: SlotStanding }
  | { readonly kind: 'log late' | 'publisher silent'; readonly seconds: number }
  | { readonly kind: 'log unknown' }
)

/** A slot that is given up within an hour needs somebody now. */
const SOON_SECONDS = 3_600
/** The same where it keeps more than this of what it may, as the alert ScissionWalNearlyLost has it. */
const SCARCE_SHARE = 0.8
/** A large transaction takes its time into the log; what is older than this is stuck, or there is too much. */
const LATE_SECONDS = 10
const VERY_LATE_SECONDS = 60

/** The gravest first; none where all is well as far as it is known. @param secondsLeft until the slot is given up. */
export function sourceFaults(
  { monolith, services }: Pick<LagReport, 'monolith' | 'services'>,
  secondsLeft: number | null,
): SourceFault[] {
  if (monolith === null) return [{ kind: 'monolith unknown', tone: 'unknown' }]
  const { lag, slot } = monolith
  if (slot === null) {
    const isBegun = services.some((each) => isKnown(each) && each.epoch > 0)
    return [{ kind: 'no slot', tone: 'warning', isBegun }]
  }
  if (slot.walStatus === 'lost') return [{ kind: 'slot lost', tone: 'bad', slot }]
  const kept = slotFaults(slot, secondsLeft)
  // How late the log is without a publisher follows from that, and what a full slot needs is one.
  if (!slot.isFollowed) return kept.length > 0 ? kept : [{ kind: 'not followed', tone: 'warning', slot }]
  return byGravity([...kept, ...logFaults(lag)])
}

function slotFaults(slot: SlotStanding, secondsLeft: number | null): SourceFault[] {
  if (isEnding(slot)) return [{ kind: 'slot ending', tone: 'bad', slot }]
  const isSoon = secondsLeft !== null && secondsLeft < SOON_SECONDS
  return isSoon || keptShare(slot) > SCARCE_SHARE ? [{ kind: 'slot scarce', tone: 'bad', slot, secondsLeft }] : []
}

/**
 * Whether it keeps more than it may already: the next checkpoint takes that away. Manual: "pg_replication_slots",
 * wal_status and safe_wal_size.
 */
export function isEnding({ safeBytes, walStatus }: Pick<SlotStanding, 'safeBytes' | 'walStatus'>): boolean {
  return walStatus === 'unreserved' || (walStatus !== 'lost' && safeBytes !== null && safeBytes <= 0)
}

/** How much a slot may keep; null where nothing limits it. */
export function slotLimitBytes({ retainedBytes, safeBytes }: SlotStanding): number | null {
  return safeBytes === null ? null : Math.max(0, retainedBytes + safeBytes)
}

/** What of that it keeps, from 0 to 1. */
function keptShare(slot: SlotStanding): number {
  const limit = slotLimitBytes(slot)
  if (limit === null) return 0
  return limit === 0 ? 1 : Math.min(1, slot.retainedBytes / limit)
}

function logFaults({ bound, seconds }: Age): SourceFault[] {
  switch (bound) {
    case 'at most':
      return [{ kind: 'publisher silent', tone: 'warning', seconds }]
    case 'at least':
      return seconds > LATE_SECONDS ? [lateLog(seconds)] : [{ kind: 'log unknown', tone: 'unknown' }]
    case 'exact':
      return seconds > LATE_SECONDS ? [lateLog(seconds)] : []
    default:
      return unreachable(bound)
  }
}

function lateLog(seconds: number): SourceFault {
  return { kind: 'log late', tone: seconds > VERY_LATE_SECONDS ? 'bad' : 'warning', seconds }
}

/** A fault in a sentence without its end, and without figures: it stays the same as long as the fault does. */
export function faultText({ kind }: SourceFault): string {
  switch (kind) {
    case 'monolith unknown':
      return 'Nothing can be told of the monolith'
    case 'no slot':
      return 'The monolith has no slot'
    case 'slot lost':
      return 'The slot of the monolith is lost'
    case 'slot ending':
      return 'The slot of the monolith is given up at the next checkpoint'
    case 'slot scarce':
      return 'The slot of the monolith is nearly lost'
    case 'not followed':
      return 'No publisher follows the monolith'
    case 'log late':
      return 'The log is behind the monolith'
    case 'publisher silent':
      return 'The publisher has told nothing new for a while'
    case 'log unknown':
      return 'Nothing tells what of the monolith is not in the log'
    default:
      return unreachable(kind)
  }
}

interface Words {
  readonly bytesText: (bytes: number) => string
  readonly durationText: (seconds: number) => string
}

/** What to do about a fault; null where the reason of it is told elsewhere. Its text goes on behind the monolith's name. */
export function sourceAdvice(fault: SourceFault, { bytesText, durationText }: Words): Advice | null {
  switch (fault.kind) {
    case 'monolith unknown':
      return null
    case 'no slot':
      return fault.isBegun ? UNSLOTTED : UNPUBLISHED
    case 'slot lost':
      return {
        text: `has lost slot ${fault.slot.name}: PostgreSQL removed the WAL that it needs. Begin anew.`,
        command: 'scission publish --new-epoch',
      }
    case 'slot ending':
    case 'slot scarce':
      return scarceAdvice(fault.slot, whenText(fault, durationText))
    case 'not followed': {
      const { name, retainedBytes } = fault.slot
      return {
        text: `is followed by no publisher, and keeps ${bytesText(retainedBytes)} of WAL for slot ${name} meanwhile.`,
        command: 'scission publish',
      }
    }
    case 'log late':
      return {
        text: `is followed, and what was written to it ${durationText(fault.seconds)} ago is not in the log. See what publish says, and that it reaches NATS.`,
        command: null,
      }
    case 'publisher silent':
      return {
        text: `is followed by a publisher that has told nothing new for ${durationText(fault.seconds)}. See what publish says: it may hang, or read a large transaction.`,
        command: null,
      }
    case 'log unknown':
      return UNTOLD
    default:
      return unreachable(fault)
  }
}

const UNPUBLISHED: Advice = { text: 'has no slot: nothing was published yet.', command: 'scission publish' }
/** No command stands by itself here: after a load for a planned downtime it would undo that. */
const UNSLOTTED: Advice = {
  text: 'has no slot, so that nobody follows what is written to it. After publish --no-slot that is as it should be; else begin anew with publish --new-epoch.',
  command: null,
}
const UNTOLD: Advice = {
  text: 'does not tell what of it is not in the log. Where that stays so, let the role that looks have pg_read_all_stats, and REPLICATION.',
  command: null,
}

function scarceAdvice({ isFollowed, name }: SlotStanding, when: string): Advice {
  const publisher = isFollowed ? 'See what holds its publisher up' : 'Let a publisher follow'
  return {
    text: `gives slot ${name} up ${when}. ${publisher}, and to gain time raise max_slot_wal_keep_size and reload.`,
    command: isFollowed ? null : 'scission publish',
  }
}

function whenText(
  fault: Extract<SourceFault, { kind: 'slot ending' | 'slot scarce' }>,
  durationText: Words['durationText'],
): string {
  if (fault.kind === 'slot ending') return 'at the next checkpoint, since it keeps more WAL than it may'
  return fault.secondsLeft === null
    ? 'when it keeps a little more WAL'
    : `in about ${durationText(Math.max(0, fault.secondsLeft))}, as fast as the WAL grows that it keeps`
}
