import { encodeValue } from './encode-message.ts'
import { type ChangeRun, WIRE_VERSION } from './message.ts'
import { arrayHeader } from './msgpack-headers.ts'

/** A run of changes whose rows are encoded already. */
export interface EncodedRun extends Omit<ChangeRun, 'changes'> {
  readonly count: number
  /** The encoded changes, one behind the other. */
  readonly changes: readonly Uint8Array[]
}

/** A change message of encoded runs: the bytes that `encodeMessage` writes for the same message. */
export function encodeRuns(epoch: number, runs: readonly EncodedRun[]): Uint8Array {
  const frame = encodeValue({ v: WIRE_VERSION, kind: 'change', epoch, runs: [] }).subarray(0, -1)
  const pieces: Uint8Array[] = [frame, arrayHeader(runs.length)]
  for (const { entity, shape, lsn, xid, committedAt, last, count, changes } of runs) {
    const run = encodeValue({ entity, shape, lsn, xid, committedAt, last, changes: [] }).subarray(0, -1)
    pieces.push(run, arrayHeader(count), ...changes)
  }
  return Buffer.concat(pieces)
}
