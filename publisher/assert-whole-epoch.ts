import type { JetStreamManager } from 'nats'
import { Failure } from '../contracts/failure.ts'
import { readStream } from '../infra/nats/stream-leader.ts'

/**
 * The first sequence, from one on, whose message the stream does not hold any more; null where it holds all. Streams that
 * `prepare` makes let nobody remove a message, and whoever administers the broker can change that.
 */
export async function firstMissing(manager: JetStreamManager, stream: string, from: number): Promise<number | null> {
  const { state } = await readStream(manager, stream, { deleted_details: true })
  if (state.first_seq > from && state.last_seq >= from) return from
  const missing = (state.deleted ?? []).filter((sequence) => sequence >= from)
  return missing.length === 0 ? null : Math.min(...missing)
}

/** @throws Failure 4 where the stream lacks a message of the epoch, which began with the message `from`. */
export async function assertWholeEpoch(manager: JetStreamManager, stream: string, from: number): Promise<void> {
  const missing = await firstMissing(manager, stream, from)
  if (missing !== null) throw missingFailure(stream, missing)
}

export function missingFailure(stream: string, sequence: number, cause?: unknown): Failure {
  return new Failure(
    4,
    `Stream ${stream} does not hold its message ${sequence}: messages were removed from the log, which must stay whole; begin anew with publish --new-epoch.`,
    { cause },
  )
}
