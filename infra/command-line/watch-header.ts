import type { LagLook } from '../../consumers/lag/lag-watch.ts'
import type { LagReport } from '../../consumers/lag/lag-report.ts'
import type { SlotStanding } from '../../infra/following/monolith-standing.ts'
import { unwellServices } from './lag-line.ts'
import { bytesText, durationText } from './quantities.ts'
import { type Line, type Part, partsLine, type Span, span, type Tone } from './terminal-line.ts'
import { toneOf, type WatchState } from './watch-state.ts'

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
    ...(look === null ? [] : [{ rank: 0, line: [overall(look.report)] }]),
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

/** `all ok`, or what is not: the monolith's side first, since all depends on it. */
export function overall({ monolith, services }: LagReport): Span {
  const slot = monolith?.slot ?? null
  const source: readonly [string, Tone] | null =
    monolith === null
      ? ['monolith unknown', 'bad']
      : slot === null
        ? ['no slot', 'fair']
        : slot.walStatus === 'lost'
          ? ['slot lost', 'bad']
          : slot.isFollowed
            ? null
            : ['no publisher', 'bad']
  const unwell = unwellServices(services)
  if (source === null && unwell.length === 0) return span('all ok', 'good')
  const tones: Tone[] = [...(source === null ? [] : [source[1]]), ...unwell.map(({ status }) => toneOf(status))]
  const told = [...(source === null ? [] : [source[0]]), ...unwellTexts(unwell)]
  return span(told.join(', '), tones.includes('bad') ? 'bad' : 'fair')
}

/** So many are named; of more, how many there are of each status. */
const MOST_NAMED = 3

function unwellTexts(unwell: LagReport['services']): string[] {
  if (unwell.length <= MOST_NAMED) return unwell.map(({ service, status }) => `${service} ${status}`)
  const statuses = [...new Set(unwell.map(({ status }) => status))]
  return statuses.map((status) => `${unwell.filter((each) => each.status === status).length} ${status}`)
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
  const follows = isFollowed ? span('a publisher follows it', 'good') : span('no publisher follows it', 'bad')
  return partsLine(
    [
      head,
      { rank: 0, line: [follows] },
      { rank: 6, line: [span(`the log has all up to ${confirmed}`)] },
      { rank: 3, line: [span(behindBytes === 0 ? 'log level' : `log ${bytesText(behindBytes)} behind`)] },
      { rank: 2, line: [keptSpan(slot)] },
      ...leftParts(look),
    ],
    columns,
  )
}

/** Above this share of its limit what the slot keeps is worth a look. */
const FULL_SHARE = 0.5

function keptSpan({ retainedBytes, safeBytes }: SlotStanding): Span {
  const kept = `keeps ${bytesText(retainedBytes)} of WAL`
  if (safeBytes === null) return span(`${kept}, without a limit`)
  const limit = retainedBytes + Math.max(0, safeBytes)
  const isFull = retainedBytes > limit * FULL_SHARE
  return span(`${kept}, limit ${bytesText(limit)}`, isFull ? 'fair' : 'plain')
}

function leftParts({ history: { slotSecondsLeft: left } }: LagLook): Part[] {
  if (left === null) return []
  const isNear = left < NEAR_SECONDS
  return [{ rank: isNear ? 1 : 5, line: [span(`lost in ${durationText(left)}`, isNear ? 'bad' : 'plain')] }]
}
