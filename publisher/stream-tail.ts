import type { JetStreamManager } from 'nats'
import { Failure } from '../contracts/failure.ts'
import { NUMBER_HEADER, WRITER_HEADER } from '../contracts/wire/headers.ts'
import { apiCode, NO_MESSAGE, NO_STREAM } from '../infra/nats/api-code.ts'
import { missingFailure } from './assert-whole-epoch.ts'

/** The broker came back with an older store: what it has lost may still be in the monolith's WAL. */
export class LogWentBack extends Failure {}

/** A message whose fate the stream's end tells. */
export interface Unconfirmed {
  readonly sequence: number
  readonly number: number
}

/** What a writer knows of its stream: it was made then, and everything before the first unconfirmed is stored. */
export interface WriterView {
  readonly stream: string
  readonly streamCreated: string
  readonly writerId: string
  readonly unconfirmed: readonly Unconfirmed[]
  /** The sequence of the next message that would be sent. */
  readonly nextSequence: number
}

export interface StreamEnd {
  readonly created: string
  readonly lastSequence: number
}

/**
 * Reads from the stream's leader which of the unconfirmed messages are stored: the first so many of them.
 * @throws Failure 4 where the stream holds another writer's message, is not the one it was, or has lost messages.
 */
export async function readStoredCount(manager: JetStreamManager, view: WriterView): Promise<number> {
  const end = await readStreamEnd(manager, view.stream)
  const failure = judgeStreamEnd(view, end)
  if (failure !== null) throw failure
  for (const [count, message] of view.unconfirmed.entries()) {
    if (message.sequence > end.lastSequence) return count
    await assertOwn(manager, view, message)
  }
  return view.unconfirmed.length
}

/** What the end of the stream alone shows; null where nothing is wrong. */
export function judgeStreamEnd(view: WriterView, end: StreamEnd): Failure | null {
  const acknowledged = (view.unconfirmed[0]?.sequence ?? view.nextSequence) - 1
  if (end.created !== view.streamCreated)
    return new Failure(
      4,
      `Stream ${view.stream} was made anew while publish wrote to it: its log is lost; begin anew with publish --new-epoch.`,
    )
  // Sending again would be refused for ever: what was acknowledged before is not there any more.
  if (end.lastSequence < acknowledged)
    return new LogWentBack(
      4,
      `Stream ${view.stream} ends at message ${end.lastSequence}, but message ${acknowledged} was acknowledged: the broker came back with an older store; begin anew with publish --new-epoch.`,
    )
  return end.lastSequence >= view.nextSequence ? foreignFailure(view.stream, end.lastSequence) : null
}

/**
 * The end of a stream, from its leader.
 * @throws Failure 4 where the stream is gone.
 */
async function readStreamEnd(manager: JetStreamManager, stream: string): Promise<StreamEnd> {
  try {
    const { created, state } = await manager.streams.info(stream)
    return { created, lastSequence: state.last_seq }
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
): Promise<void> {
  try {
    const { header } = await manager.streams.getMessage(stream, { seq: sequence })
    if (header.get(WRITER_HEADER) === writerId && Number(header.get(NUMBER_HEADER)) === number) return
  } catch (error) {
    if (apiCode(error) !== NO_MESSAGE) throw error
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
