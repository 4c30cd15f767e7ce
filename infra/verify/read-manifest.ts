import type { JetStreamManager } from 'nats'
import { Failure } from '../../contracts/failure.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import { parseStreamSequence, type StreamSequence } from '../../contracts/positions.ts'
import { type ControlKind, controlSubject, streamName } from '../../contracts/subjects.ts'
import { decodeMessage } from '../../contracts/wire/decode-message.ts'
import type { Control, EntityTotals, EpochControl, ManifestControl } from '../../contracts/wire/message.ts'
import { lastMessage } from './last-message.ts'

/** A control message with its place in the stream. */
export interface Placed<Message extends Control> {
  readonly sequence: number
  readonly control: Message
}

/** The last control messages of a service's stream, of whatever epoch. */
export interface LastControls {
  readonly epoch: Placed<Extract<Control, { control: 'epoch' }>> | null
  readonly attempt: Placed<Extract<Control, { control: 'attempt' }>> | null
  readonly manifest: Placed<ManifestControl> | null
}

/** A service's snapshot in the log, whole. */
export interface ClosedSnapshot {
  readonly stream: string
  readonly begun: EpochControl
  readonly manifest: ManifestControl
  /** The pages of the snapshot stand between the two. */
  readonly firstSequence: StreamSequence
  readonly manifestSequence: number
}

/**
 * Reads the newest epoch's manifest from the stream's leader, without reading the stream.
 * @throws Failure 4 where there is no stream, or its newest snapshot is not closed, or is of another contract.
 */
export async function readManifest(
  manager: JetStreamManager,
  prefix: string,
  service: Service,
): Promise<ClosedSnapshot> {
  const last = async <Kind extends ControlKind>(
    kind: Kind,
  ): Promise<Placed<Extract<Control, { control: Kind }>> | null> =>
    await lastControl(manager, streamName(prefix, service.name), controlSubject(prefix, service.name, kind), kind)
  const controls = { epoch: await last('epoch'), attempt: await last('attempt'), manifest: await last('manifest') }
  return closedSnapshot(streamName(prefix, service.name), service, controls)
}

/**
 * What the last control messages say together. A manifest before a later attempt closed the readings before it, not
 * that one.
 * @throws Failure 4 where the newest snapshot is not closed, or is of another contract.
 */
export function closedSnapshot(stream: string, service: Service, controls: LastControls): ClosedSnapshot {
  const { epoch: begun, attempt, manifest } = controls
  if (begun === null)
    throw new Failure(4, `Stream ${stream} holds no snapshot of service ${service.name} yet: run publish first.`)
  const epoch = begun.control.epoch
  if (manifest === null || manifest.control.epoch !== epoch || manifest.sequence < (attempt?.sequence ?? 0))
    throw new Failure(
      4,
      `Publish has not closed its snapshot of service ${service.name} yet (epoch ${epoch}): let it end, or run it again.`,
    )
  const strange = contractDifference(service, manifest.control.entities)
  if (strange !== null)
    throw new Failure(
      4,
      `The manifest of service ${service.name} in stream ${stream} ${strange}: the log was published by another contract; use that one, or publish --new-epoch.`,
    )
  const firstSequence = parseStreamSequence(begun.sequence)
  return {
    stream,
    begun: begun.control,
    manifest: manifest.control,
    firstSequence,
    manifestSequence: manifest.sequence,
  }
}

/** What the manifest holds or lacks against the contract, as the end of a sentence; null where they agree. */
export function contractDifference(service: Service, totals: readonly EntityTotals[]): string | null {
  const published = new Set(totals.map(({ entity }) => entity))
  const lacking = service.entities.find(({ name }) => !published.has(name))
  if (lacking !== undefined) return `does not hold ${lacking.name}`
  const unknown = totals.find(({ entity }) => !service.entities.some(({ name }) => name === entity))
  return unknown === undefined ? null : `holds ${unknown.entity}, which the contract does not have`
}

async function lastControl<Kind extends ControlKind>(
  manager: JetStreamManager,
  stream: string,
  subject: string,
  kind: Kind,
): Promise<Placed<Extract<Control, { control: Kind }>> | null> {
  const stored = await lastMessage(manager, stream, subject)
  if (stored === null) return null
  const message = decodeMessage(stored.data)
  if (message.kind !== 'control' || message.control !== kind) throw new Error(`Expected control.${kind} at ${subject}`)
  // The discriminant was compared just above; the compiler does not narrow by a type parameter.
  return { sequence: stored.seq, control: message as Extract<Control, { control: Kind }> }
}
