import type { LagLook } from '../../consumers/lag/lag-watch.ts'
import type { LagReport } from '../../consumers/lag/lag-report.ts'
import { isEnding, type SourceFault, slotLimitBytes, sourceFaults } from '../../consumers/lag/source-faults.ts'
import { byGravity, type Verdict, verdictOf } from '../../consumers/lag/verdict.ts'
import { unreachable } from '../../contracts/failure.ts'
import type { SlotStanding } from '../../infra/following/monolith-standing.ts'
import { unwellServices } from './lag-line.ts'
import { bytesText, durationText } from './quantities.ts'
import { type Line, type Part, partsLine, type Span, span } from './terminal-line.ts'
import { shownTone, type WatchState } from './watch-state.ts'

/** A look each second: one that takes longer than this is said to be under way. */
const SLOW_LOOK_MS = 2_500

/** What is shown, as of when, and whether all is well. */
export function titleLine(
  { contractSet, controls, look, lookedAtMs, nowMs, prefix }: WatchState,
  columns: number,
): Line {
  const waitedMs = nowMs - lookedAtMs
  const isSlow = look === null || waitedMs > SLOW_LOOK_MS
  const waited = waitedMs > SLOW_LOOK_MS ? ` ${durationText(Math.floor(waitedMs / 1_000)).replace('.0 s', ' s')}` : ''
  const parts: Part[] = [
    { rank: 3, line: [span('Scission', 'strong')] },
    { rank: 4, line: [span(contractSet === prefix ? prefix : `${contractSet} (${prefix})`)] },
    ...(look === null ? [] : [{ rank: 2, line: [span(timeText(look.atMs))] }]),
    ...(look === null ? [] : [{ rank: 0, line: [overall(look)] }]),
    ...(controls.isPaused ? [{ rank: 1, line: [span('paused', 'busy')] }] : []),
    ...(isSlow ? [{ rank: 1, line: [span(`looking …${waited}`, 'busy')] }] : []),
    ...(look === null || isSlow ? [] : [{ rank: 5, line: [span(tookText(look), 'faint')] }]),
  ]
  return partsLine(parts, columns)
}

function timeText(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(11, 19)} UTC`
}

function tookText({ tookMs }: LagLook): string {
  return `looked in ${durationText(Math.max(100, tookMs) / 1_000)}`
}

/** `all ok`, or what is not, the gravest first; of what is as grave the monolith's side, since all depends on it. */
export function overall({ history: { slotSecondsLeft }, report }: Pick<LagLook, 'history' | 'report'>): Span {
  const [fault] = sourceFaults(report, slotSecondsLeft)
  const unwell = unwellServices(report.services)
  const all = byGravity([
    ...(fault === undefined ? [] : [{ tone: fault.tone, text: faultWord(fault) }]),
    ...(unwell.length > MOST_NAMED ? countedByStatus(unwell) : unwell.map(namedStatus)),
  ])
  const [gravest] = all
  return gravest === undefined
    ? span('all ok', 'good')
    : span(all.map(({ text }) => text).join(', '), shownTone(gravest.tone))
}

/** A fault in a word or two. */
function faultWord(fault: SourceFault): string {
  switch (fault.kind) {
    case 'not followed':
      return 'no publisher'
    case 'slot ending':
    case 'slot scarce':
      return 'slot nearly lost'
    case 'log late':
      return `log ${durationText(fault.seconds)} late`
    case 'monolith unknown':
    case 'no slot':
    case 'slot lost':
    case 'publisher silent':
    case 'log unknown':
      return fault.kind
    default:
      return unreachable(fault)
  }
}

/** So many are named; of more, how many there are of each status. */
const MOST_NAMED = 3

type Unwell = LagReport['services'][number]

function namedStatus(lag: Unwell): Verdict {
  return { tone: verdictOf(lag).tone, text: `${lag.service} ${lag.status}` }
}

function countedByStatus(unwell: readonly Unwell[]): Verdict[] {
  const byStatus = new Map(unwell.map((lag) => [lag.status, lag]))
  return [...byStatus.values()].map((lag) => ({
    tone: verdictOf(lag).tone,
    text: `${unwell.filter(({ status }) => status === lag.status).length} ${lag.status}`,
  }))
}

/** Below this the loss of the slot is near: a night's sleep. */
const NEAR_SECONDS = 8 * 3_600

/** The monolith's side in one line: where it is, who follows it, and what that costs it. */
export function monolithLine(look: LagLook | null, columns: number): Line {
  const monolith = look?.report.monolith ?? null
  if (look === null) return []
  if (monolith === null) return [span('monolith'), span('  cannot be reached', 'bad')]
  const { position, slot } = monolith
  const head: Part = { rank: 4, line: [span(`monolith ${position}`)] }
  if (slot === null) return partsLine([head, { rank: 0, line: [span('no slot: nobody follows it', 'fair')] }], columns)
  const { behindBytes, confirmed, isFollowed, name, walStatus } = slot
  if (walStatus === 'lost') {
    const lost = span(`slot ${name} is lost: begin anew with publish --new-epoch`, 'bad')
    return partsLine([head, { rank: 0, line: [lost] }], columns)
  }
  const follows = isFollowed ? span('a publisher follows it', 'good') : span('no publisher follows it', 'fair')
  return partsLine(
    [
      head,
      { rank: 0, line: [follows] },
      { rank: 6, line: [span(`the log has all up to ${confirmed}`)] },
      { rank: 3, line: [span(behindBytes === 0 ? 'log level' : `log ${bytesText(behindBytes)} behind`)] },
      { rank: 2, line: [keptSpan(slot)] },
      ...leftParts(look, slot),
    ],
    columns,
  )
}

/** Above this share of its limit what the slot keeps is worth a look. */
const FULL_SHARE = 0.5

function keptSpan(slot: SlotStanding): Span {
  const kept = `keeps ${bytesText(slot.retainedBytes)} of WAL`
  const limit = slotLimitBytes(slot)
  if (limit === null) return span(`${kept}, without a limit`)
  const isFull = slot.retainedBytes > limit * FULL_SHARE
  return span(`${kept}, limit ${bytesText(limit)}`, isFull ? 'fair' : 'plain')
}

function leftParts({ history: { slotSecondsLeft: left } }: LagLook, slot: SlotStanding): Part[] {
  if (isEnding(slot)) return [{ rank: 1, line: [span('slot given up at the next checkpoint', 'bad')] }]
  if (left === null) return []
  const isNear = left < NEAR_SECONDS
  return [
    { rank: isNear ? 1 : 5, line: [span(`lost in ${durationText(Math.max(0, left))}`, isNear ? 'bad' : 'plain')] },
  ]
}
