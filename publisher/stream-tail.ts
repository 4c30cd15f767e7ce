import type { JetStreamManager, StreamInfo } from 'nats'
import { Failure } from '../contracts/failure.ts'
import { NUMBER_HEADER, WRITER_HEADER } from '../contracts/wire/headers.ts'
import { apiCode, NO_MESSAGE, NO_STREAM } from '../infra/nats/api-code.ts'
import { assertSure, readStream } from '../infra/nats/stream-leader.ts'
import { missingFailure } from './assert-whole-epoch.ts'

/** The broker came back with an older store: what it has lost may still be in the monolith's WAL. */
export class LogWentBack extends Failure {}

/** A message whose fate the stream's end tells. */
export interface Unconfirmed {
  readonly sequence: number
  readonly number: number
}

/** What is known of a stream that is written to. */
export interface KnownStream {
  readonly stream: string
  /** When it was made. */
  readonly streamCreated: string
  /** The sequence up to which it said that everything is stored. */
  readonly acknowledged: number
}

/** What a writer knows of its stream: everything before the first unconfirmed is stored. */
export interface WriterView extends Omit<KnownStream, 'acknowledged'> {
  readonly writerId: string
  readonly unconfirmed: readonly Unconfirmed[]
  /** The sequence of the next message that would be sent. */
  readonly nextSequence: number
}

export interface StreamEnd extends Pick<StreamInfo, 'created' | 'cluster'> {
  readonly lastSequence: number
}

/**
 * Reads from the stream's leader which of the unconfirmed messages are stored: the first so many of them.
 * @param isSure that what the leader does not have the stream lacks.
 * @throws Failure 4 where the stream holds another writer's message, is not the one it was, or has lost messages.
 */
export async function readStoredCount(manager: JetStreamManager, view: WriterView, isSure: boolean): Promise<number> {
  const { cluster, created, state } = await readWrittenStream(manager, view.stream)
  const end = { created, lastSequence: state.last_seq, ...(cluster === undefined ? {} : { cluster }) }
  const failure = judgeStreamEnd(view, end)
  if (failure instanceof LogWentBack) assertSure(end, isSure)
  if (failure !== null) throw failure
  for (const [count, message] of view.unconfirmed.entries()) {
    if (message.sequence > end.lastSequence) return count
    await assertOwn(manager, view, message, () => assertSure(end, isSure))
  }
  return view.unconfirmed.length
}

/** What the end of the stream alone shows; null where nothing is wrong. */
export function judgeStreamEnd(view: WriterView, end: StreamEnd): Failure | null {
  const { nextSequence, stream, streamCreated, unconfirmed } = view
  const acknowledged = (unconfirmed[0]?.sequence ?? nextSequence) - 1
  const lost = judgeKept({ stream, streamCreated, acknowledged }, end)
  return lost ?? (end.lastSequence >= nextSequence ? foreignFailure(stream, end.lastSequence) : null)
}

/** Whether it is the same stream, and reaches as far as it said. */
export function judgeKept({ acknowledged, stream, streamCreated }: KnownStream, end: StreamEnd): Failure | null {
  if (end.created !== streamCreated)
    return new Failure(
      4,
      `Stream ${stream} was made anew while publish wrote to it: its log is lost; run prepare, then begin anew with publish --new-epoch.`,
    )
  // Sending again would be refused for ever: what was acknowledged before is not there any more.
  if (end.lastSequence < acknowledged)
    return new LogWentBack(
      4,
      `Stream ${stream} ends at message ${end.lastSequence}, but message ${acknowledged} was acknowledged: the broker came back with an older store; begin anew with publish --new-epoch.`,
    )
  return null
}

/**
 * What the leader of a stream that is written to says of it.
 * @throws Failure 4 where the stream is gone.
 */
export async function readWrittenStream(manager: JetStreamManager, stream: string): Promise<StreamInfo> {
  try {
    return await readStream(manager, stream)
  } catch (error) {
    if (apiCode(error) !== NO_STREAM) throw error
    throw new Failure(
      4,
      `Stream ${stream} was deleted while publish wrote to it: run prepare, then begin anew with publish --new-epoch.`,
      { cause: error },
    )
  }
}

async function assertOwn(
  manager: JetStreamManager,
  { stream, writerId }: WriterView,
  { sequence, number }: Unconfirmed,
  assertLacking: () => void,
): Promise<void> {
  try {
    const { header } = await manager.streams.getMessage(stream, { seq: sequence })
    if (header.get(WRITER_HEADER) === writerId && Number(header.get(NUMBER_HEADER)) === number) return
  } catch (error) {
    if (apiCode(error) !== NO_MESSAGE) throw error
    assertLacking()
    throw missingFailure(stream, sequence, error)
  }
  throw foreignFailure(stream, sequence)
}

function foreignFailure(stream: string, sequence: number): Failure {
  return new Failure(
    4,
    `Another publisher wrote message ${sequence} of stream ${stream}: a stream has one writer, so this one ends; see which publisher is to go on, and stop the other.`,
  )
}
