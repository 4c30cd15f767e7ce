import type { JetStreamManager } from 'nats'
import { decodeMessage } from '../../contracts/wire/decode-message.ts'
import { apiCode, NO_MESSAGE } from '../../infra/nats/api-code.ts'
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
export function hopsOf(toLog: Age, unreadSeconds: number, unappliedSeconds: number): HopLag {
  const toConsumer = older(toLog, unreadSeconds)
  return { toLog, toConsumer, toDatabase: older(toConsumer, unappliedSeconds) }
}

function older({ bound, seconds: before }: Age, seconds: number): Age {
  const isOlder = seconds >= before
  return { seconds: Math.max(before, seconds), bound: isOlder && bound === 'at most' ? 'exact' : bound }
}

/** A consumer that works writes down each second what it has read; of one that died nothing is read that is not applied. */
export function readTo(applied: number, isConsumed: boolean, samples: readonly Sample[]): number {
  const latest = samples.at(-1)
  return isConsumed && latest !== undefined ? Math.max(applied, latest.read) : applied
}

/** When the change was committed with which a message begins, or else when the message was stored; in milliseconds since 1970. */
export async function bornAt(manager: JetStreamManager, stream: string, sequence: number): Promise<number | null> {
  try {
    const { data, time } = await manager.streams.getMessage(stream, { seq: sequence })
    const message = decodeMessage(data)
    const committedAt = message.kind === 'change' ? message.runs[0]?.committedAt : undefined
    return committedAt === undefined ? time.getTime() : committedAt / 1_000
  } catch (error) {
    if (apiCode(error) === NO_MESSAGE) return null
    throw error
  }
}
