import { Failure } from '../../contracts/failure.ts'
import { type Lsn, parseLsn } from '../../contracts/positions.ts'
import type { Control } from '../../contracts/wire/message.ts'
import { nearestName } from '../../infra/configuration/nearest-name.ts'
import { verificationOf } from '../../infra/following/verification-request.ts'

/** What the control messages of an epoch say together, with its snapshot closed. */
export interface LogControls {
  readonly manifest: ClosedManifest
  /** The position of the last marker of whatever name; 0 where there is none. */
  readonly markerHead: Lsn
}

export interface ClosedManifest {
  readonly sequence: number
  readonly consistencyPoint: Lsn
  /** Microseconds since 1970. */
  readonly closedAt: number
}

/** What they said as far as they were read. */
export interface ControlsRead {
  readonly manifest: ClosedManifest | null
  /** The last announced reading of a table. */
  readonly attempt: { readonly sequence: number; readonly entity: string } | null
  readonly markerHead: Lsn
  /** The wanted marker's position. */
  readonly marked: Lsn | null
  /** Another marker's name that is much like the wanted one's. */
  readonly nearest: string | null
}

export const NO_CONTROLS: ControlsRead = {
  manifest: null,
  attempt: null,
  markerHead: parseLsn('0/0'),
  marked: null,
  nearest: null,
}

/** The comparison of two names takes their lengths multiplied. */
const MAX_COMPARED_CHARACTERS = 200

/**
 * Takes the next control message into account.
 * @param wanted a marker's name. Where several have it the last one holds.
 */
export function withControl(
  read: ControlsRead,
  control: Control,
  sequence: number,
  wanted: string | null,
): ControlsRead {
  if (control.control === 'manifest') {
    const consistencyPoint = parseLsn(control.consistencyPoint)
    return { ...read, manifest: { sequence, consistencyPoint, closedAt: Date.parse(control.closedAt) * 1_000 } }
  }
  if (control.control === 'attempt') return { ...read, attempt: { sequence, entity: control.entity } }
  if (control.control !== 'marker') return read
  const lsn = parseLsn(control.lsn)
  const markerHead = lsn > read.markerHead ? lsn : read.markerHead
  if (control.name === wanted) return { ...read, markerHead, marked: lsn }
  return { ...read, markerHead, nearest: nearerName(read.nearest, control.name, wanted) }
}

function nearerName(nearest: string | null, name: string, wanted: string | null): string | null {
  if (wanted === null || Math.max(name.length, wanted.length) > MAX_COMPARED_CHARACTERS) return nearest
  if (verificationOf(name) !== null) return nearest
  return nearestName(wanted, nearest === null ? [name] : [nearest, name])
}

/** @throws Failure 4 where the newest snapshot is not closed, or a table is being read anew. */
export function closedControls(service: string, { attempt, manifest, markerHead }: ControlsRead): LogControls {
  if (manifest === null)
    throw new Failure(
      4,
      `Publish has not closed its snapshot of service ${service} yet: let it end, or run it again, then run replay again.`,
    )
  if (attempt !== null && attempt.sequence > manifest.sequence)
    throw new Failure(
      4,
      `Publish is reading ${attempt.entity} of service ${service} anew: let it end, or run it again, then run replay again.`,
    )
  return { manifest, markerHead }
}

/** @throws Failure 4 where the log has no marker of that name. */
export function markedPosition(service: string, name: string, { marked, nearest }: ControlsRead): Lsn {
  if (marked !== null) return marked
  const hint = nearest === null ? '' : `, and has ${JSON.stringify(nearest)}`
  throw new Failure(
    4,
    `The log of service ${service} has no marker ${JSON.stringify(name)} in its present epoch${hint}: choose a marker that it has, or another point.`,
  )
}
