import { Failure } from '../contracts/failure.ts'

/** What a service's stream says of its newest epoch. */
export interface LogState {
  readonly service: string
  readonly lastSequence: number
  /** 0 where the stream has no epoch yet. */
  readonly epoch: number
  /** The dense number of the stream's last message, in the newest epoch. */
  readonly lastNumber: number
  /** What `control.epoch` said; null where the epoch has only begun in other streams. */
  readonly begun: {
    readonly systemId: string
    readonly slotName: string | null
    readonly consistentPoint: string | null
  } | null
  readonly closed: { readonly consistencyPoint: string } | null
  /** The highest attempt of each entity in the epoch. */
  readonly attempts: ReadonlyMap<string, number>
}

export type Publication =
  | {
      readonly kind: 'already closed'
      readonly epoch: number
      readonly consistencyPoint: string
      readonly slotName: string | null
    }
  | { readonly kind: 'begin'; readonly epoch: number }
  | { readonly kind: 'go on'; readonly epoch: number; readonly slotName: string | null }

export interface PublicationWishes {
  readonly newEpoch: boolean
  readonly withSlot: boolean
  readonly systemId: string
}

/**
 * What a run of `publish` has to do, from the logs alone. An epoch that was begun and not closed goes on with a new
 * attempt of every entity, under one new snapshot, so that all services meet at one point in time.
 * @throws Failure 4 where the log belongs to another monolith, or the epoch was begun with the other kind of snapshot.
 */
export function decidePublication(logs: readonly LogState[], wishes: PublicationWishes): Publication {
  const epoch = Math.max(...logs.map((log) => log.epoch))
  if (epoch === 0 || wishes.newEpoch) return { kind: 'begin', epoch: epoch + 1 }
  const newest = logs.filter((log) => log.epoch === epoch)
  const begun = newest.find((log) => log.begun !== null)?.begun ?? null
  if (begun === null) return { kind: 'begin', epoch: epoch + 1 }
  if (begun.systemId !== wishes.systemId)
    throw new Failure(
      4,
      `The log is of another monolith (system identifier ${begun.systemId}, this one has ${wishes.systemId}): correct MONOLITH_DATABASE_URL or SCISSION_PREFIX, or begin anew with --new-epoch.`,
    )
  const closed = newest[0]?.closed
  if (newest.length === logs.length && closed && newest.every((log) => log.closed !== null))
    return { kind: 'already closed', epoch, consistencyPoint: closed.consistencyPoint, slotName: begun.slotName }
  if ((begun.slotName !== null) !== wishes.withSlot)
    throw new Failure(
      4,
      `Epoch ${epoch} was begun ${begun.slotName === null ? 'without a slot: add --no-slot' : 'with a slot: leave out --no-slot'}, or begin anew with --new-epoch.`,
    )
  return { kind: 'go on', epoch, slotName: begun.slotName }
}
