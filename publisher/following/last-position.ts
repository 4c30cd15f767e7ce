import type { JetStreamManager, StoredMsg } from 'nats'
import { Failure } from '../../contracts/failure.ts'
import { type Lsn, parseLsn } from '../../contracts/positions.ts'
import { changeSubjects, controlSubject, streamName } from '../../contracts/subjects.ts'
import { decodeMessage } from '../../contracts/wire/decode-message.ts'
import type { ChangeMessage, Part } from '../../contracts/wire/message.ts'
import { apiCode, NO_MESSAGE } from '../../infra/nats/api-code.ts'
import type { LogReading } from '../read-log-state.ts'

/** How far a service's stream holds the monolith's changes. */
export interface StoredPosition {
  /** The transaction of the last change, by where its commit record begins. */
  readonly commitLsn: Lsn
  /** How many of its changes the stream holds; all of them where it holds the last one. */
  readonly changes: number
  /** The message that says so; 0 where there is none. */
  readonly sequence: number
}

const NOTHING_STORED: StoredPosition = { commitLsn: 0n as Lsn, changes: 0, sequence: 0 }

/**
 * Reads it from the stream's leader: the slot sends again what it was not told of, and what the stream has already must
 * not be in it twice.
 */
export async function readStoredPosition(
  { prefix, waitOut }: LogReading,
  service: string,
  epoch: number,
): Promise<StoredPosition> {
  const stream = streamName(prefix, service)
  const change = await waitOut(async (manager) => await lastMessage(manager, stream, changeSubjects(prefix, service)))
  const marker = await waitOut(
    async (manager) => await lastMessage(manager, stream, controlSubject(prefix, service, 'marker')),
  )
  const positions = [change, marker].map((message) => (message === null ? NOTHING_STORED : positionOf(message, epoch)))
  return positions.reduce((last, position) => (position.commitLsn >= last.commitLsn ? position : last))
}

/** @param epoch what another epoch has says nothing of this one. */
export function positionOf({ data, seq }: Pick<StoredMsg, 'data' | 'seq'>, epoch: number): StoredPosition {
  const message = decodeMessage(data)
  if (message.kind === 'part') return partPosition(message, seq, epoch)
  if (message.kind !== 'control' && message.kind !== 'change') throw strangeMessage(seq)
  if (message.epoch !== epoch) return NOTHING_STORED
  if (message.kind === 'change') return changePosition(message, seq)
  if (message.control !== 'marker') throw strangeMessage(seq)
  return { commitLsn: parseLsn(message.lsn), changes: Number.POSITIVE_INFINITY, sequence: seq }
}

function changePosition({ runs }: ChangeMessage, sequence: number): StoredPosition {
  const run = runs.at(-1)
  if (run === undefined) return NOTHING_STORED
  const next = (run.changes.at(-1)?.[0] ?? -1) + 1
  return { commitLsn: parseLsn(run.lsn), changes: run.last ? Number.POSITIVE_INFINITY : next, sequence }
}

/** A change too large for a message travels alone, and its parts are named after it; without its last one it is not there. */
function partPosition({ id, index, count }: Part, sequence: number, epoch: number): StoredPosition {
  const [, ofEpoch, lsn, ordinal, end] = /^(\d+)\/change\/([^/]+\/[^/]+)\/(\d+)\/(last|more)$/.exec(id) ?? []
  if (lsn === undefined) throw new Error(`A part of a change has a name that publish does not give: ${id}`)
  if (Number(ofEpoch) !== epoch) return NOTHING_STORED
  const isWhole = index === count - 1
  const changes = isWhole && end === 'last' ? Number.POSITIVE_INFINITY : Number(ordinal) + Number(isWhole)
  return { commitLsn: parseLsn(lsn), changes, sequence }
}

async function lastMessage(manager: JetStreamManager, stream: string, subject: string): Promise<StoredMsg | null> {
  try {
    return await manager.streams.getMessage(stream, { last_by_subj: subject })
  } catch (error) {
    if (apiCode(error) === NO_MESSAGE) return null
    throw error
  }
}

function strangeMessage(sequence: number): Failure {
  return new Failure(
    4,
    `Message ${sequence} has the subject of a change, and is none: find out who else writes to the stream, and begin a new epoch with publish --new-epoch.`,
  )
}
