import type { Age } from '../../infra/following/log-lag.ts'
import type { Sample } from './judge-consumer.ts'

/** How old the oldest change is that is not past a hop. */
export interface HopLag {
  /** From the monolith to the log. */
  readonly toLog: Age
  /** From the log to the consumer: what it has not read. */
  readonly toConsumer: Age
  /** From the consumer to the service's database: what is not applied. */
  readonly toDatabase: Age
}

/** What is not past a hop is not past the next one either. */
export function hopsOf(toLog: Age, unread: Age, unapplied: Age): HopLag {
  const toConsumer = older(toLog, unread)
  return { toLog, toConsumer, toDatabase: older(toConsumer, unapplied) }
}

/** @param own how old the oldest is that waits at this hop itself. */
function older(before: Age, own: Age): Age {
  const seconds = Math.max(before.seconds, own.seconds)
  if (own.bound === 'at least')
    return { seconds: before.bound === 'at most' ? own.seconds : seconds, bound: 'at least' }
  if (before.bound === 'at least')
    return { seconds: own.bound === 'exact' ? seconds : before.seconds, bound: 'at least' }
  return { seconds, bound: own.seconds >= before.seconds && own.seconds > 0 ? own.bound : before.bound }
}

/** A consumer that works writes down each second what it has read; of one that died nothing is read that is not applied. */
export function readTo(applied: number, isConsumed: boolean, samples: readonly Sample[]): number {
  const latest = samples.at(-1)
  return isConsumed && latest !== undefined ? Math.max(applied, latest.read) : applied
}
