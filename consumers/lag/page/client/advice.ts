import { unreachable } from '../../../../contracts/failure.ts'
import type { MonolithStanding } from '../../../../infra/following/monolith-standing.ts'
import { isKnown, type LagReport } from '../../lag-report.ts'
import type { ServiceLag } from '../../service-lag.ts'
import { bytesText, counted, durationText } from './quantities.ts'
import { gravityOf, type Verdict, verdictOf } from './words.ts'

export interface Advice extends Verdict {
  readonly about: string
  /** What to run; null where no command helps. */
  readonly command: string | null
}

/** What an operator must know, and can do, of all that is not well; the gravest first. */
export function adviceOf({ monolith, services }: LagReport, slotSecondsLeft: number | null): Advice[] {
  const all = [
    ...(monolith === null ? [] : slotAdvice(monolith, slotSecondsLeft)),
    ...services.flatMap((lag) => (isKnown(lag) ? serviceAdvice(lag) : [])),
  ]
  return all.toSorted((one, other) => gravityOf(other) - gravityOf(one))
}

function serviceAdvice(lag: ServiceLag): Advice[] {
  const { parked, service, status, stopped } = lag
  const { tone } = verdictOf(lag)
  switch (status) {
    case 'ok':
      return []
    case 'warning':
      return [
        {
          about: service,
          tone,
          text: `works, and has fallen further behind at each of the last looks. See what its database waits for, or give it more resources. ${saidText(lag)}`,
          command: null,
        },
      ]
    case 'stall':
      return [
        {
          about: service,
          tone,
          text: `has a consumer that does not move though there is something to do. It may wait for a lock, or hang. ${saidText(lag)}`,
          command: null,
        },
      ]
    case 'stop':
      return [
        stopped === null
          ? {
              about: service,
              tone,
              text: `is consumed by nobody. See why its consumer ended, and start one. ${saidText(lag)}`,
              command: `scission consume ${service}`,
            }
          : {
              about: service,
              tone,
              text: `stopped at ${stopped.position}: ${sentence(stopped.reason)} Put the row right and consume again, or set the transaction aside.`,
              command: `scission parked add ${service} ${stopped.position}`,
            },
      ]
    case 'parked':
      return [
        {
          about: service,
          tone,
          text: `works, and has ${counted(parked, 'change')} set aside, with every later change of the same rows.`,
          command: `scission parked list ${service}`,
        },
      ]
    default:
      return unreachable(status)
  }
}

/** What the consumer said last of a fault, where it did. */
function saidText({ lastError }: ServiceLag): string {
  return lastError === null ? '' : `It said ${durationText(lastError.secondsAgo)} ago: ${sentence(lastError.text)}`
}

/** Text that ends as a sentence does. */
function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

/** A slot that is given up within an hour needs somebody now. */
const SOON_SECONDS = 3_600

function slotAdvice({ slot }: MonolithStanding, secondsLeft: number | null): Advice[] {
  if (slot === null) return []
  if (slot.walStatus === 'lost')
    return [
      {
        about: 'the monolith',
        tone: 'bad',
        text: `has lost slot ${slot.name}: PostgreSQL removed the WAL that it needs. Begin anew.`,
        command: 'scission publish --new-epoch',
      },
    ]
  const isScarce = secondsLeft !== null && secondsLeft < SOON_SECONDS
  const scarce: Advice = {
    about: 'the monolith',
    tone: 'bad',
    text: `gives slot ${slot.name} up ${secondsLeft === null ? 'soon' : `in about ${durationText(secondsLeft)}`}, as fast as the WAL grows that it keeps. Let a publisher follow, or raise max_slot_wal_keep_size.`,
    command: slot.isFollowed ? null : 'scission publish',
  }
  const unfollowed: Advice = {
    about: 'the monolith',
    tone: 'warning',
    text: `is followed by no publisher, and keeps ${bytesText(slot.retainedBytes)} of WAL for slot ${slot.name} meanwhile.`,
    command: 'scission publish',
  }
  return isScarce ? [scarce] : slot.isFollowed ? [] : [unfollowed]
}
