import type pg from 'pg'
import type { NatsConnection } from 'nats'
import { Failure } from '../contracts/failure.ts'
import type { ContractSet } from '../contracts/language/contract-set.ts'
import { lsnText } from '../contracts/positions.ts'
import { streamName } from '../contracts/subjects.ts'
import { type NatsTarget, withNats } from '../infra/nats/connect.ts'
import { slotName } from '../infra/prepare/names.ts'
import { type PostgresTarget, withSession } from '../infra/postgres/session.ts'
import { beginEpoch, type OpenEpoch } from './begin-epoch.ts'
import { decidePublication } from './decide-publication.ts'
import type { PublisherEvent, PublishOutcome } from './events.ts'
import { readIdentity } from './monolith-identity.ts'
import { refuseUnfitMonolith } from './refuse-unfit-monolith.ts'
import { takePublisherLock } from './publisher-lock.ts'
import { readLogState } from './read-log-state.ts'
import { assertDroppable, dropSlot, readSlot, recordedLog, recordSlot } from './slot.ts'
import { createSlotWithSnapshot, exportSnapshot, type SnapshotSource } from './snapshot-source.ts'
import { writeSnapshot } from './write-snapshot.ts'

export interface PublisherDependencies {
  readonly set: ContractSet
  readonly prefix: string
  readonly monolith: PostgresTarget
  readonly nats: NatsTarget
}

export interface PublishOptions {
  /** Without a slot, writers must be stopped before and stay so: nothing will deliver what they write. */
  readonly withSlot: boolean
  readonly newEpoch: boolean
  /** Sessions that read the monolith at the same time. */
  readonly readers: number
  readonly pageBytes: number
  readonly maxOutageMs: number
  readonly signal: AbortSignal
}

export type Report = (event: PublisherEvent) => void

/** What a server takes that says nothing of `max_payload`. */
const DEFAULT_MAX_PAYLOAD_BYTES = 1_048_576

/** The size of a page: from 64 KiB to 512 KiB the broker stores at its best rate, and a consumer's transaction stays small. */
export const PAGE_BYTES = 256 * 1024

/**
 * Publishes one consistent snapshot of the monolith into the log and closes it with a manifest in each stream.
 * docs/architecture.md has the crash points: whatever is begun and not closed is begun again by the next run, as a new
 * attempt of every entity under one new snapshot.
 */
export async function publishSnapshot(
  dependencies: PublisherDependencies,
  options: PublishOptions,
  report: Report,
): Promise<PublishOutcome> {
  const { monolith, nats, prefix, set } = dependencies
  const startedAt = Date.now()
  return await withNats(
    nats,
    'publish',
    async (connection) =>
      await withSession(monolith, { purpose: 'publish' }, async (control) => {
        await takePublisherLock(control, prefix)
        await refuseUnfitMonolith(control, dependencies, options.withSlot)
        const identity = await readIdentity(control)
        const logs = await Promise.all(
          set.services.map(async ({ name }) => await readLogState(connection, prefix, name)),
        )
        const decision = decidePublication(logs, { ...options, systemId: identity.systemId })
        const { kind, epoch } = decision
        if (kind === 'already closed')
          return outcomeOf(kind, decision, await retention(control, decision.slotName), [], startedAt)
        const slot = options.withSlot ? slotName(prefix) : null
        const source = await openSource(control, connection, dependencies, options, { kind, slot })
        try {
          const opened: OpenEpoch = await beginEpoch({
            connection,
            dependencies,
            options,
            report,
            logs,
            epoch,
            identity,
            slot,
            source,
          })
          report({ type: 'epoch-begun', epoch, slot, consistencyPoint: lsnText(source.consistencyPoint) })
          const services = await writeSnapshot({
            control,
            dependencies,
            options,
            report,
            logs,
            source,
            opened,
            maxPayloadBytes: connection.info?.max_payload ?? DEFAULT_MAX_PAYLOAD_BYTES,
          })
          const consistencyPoint = lsnText(source.consistencyPoint)
          return outcomeOf('closed', { epoch, consistencyPoint }, await retention(control, slot), services, startedAt)
        } finally {
          await source.release().catch(() => undefined)
        }
      }),
  )
}

function outcomeOf(
  outcome: PublishOutcome['outcome'],
  { epoch, consistencyPoint }: Pick<PublishOutcome, 'epoch' | 'consistencyPoint'>,
  slot: PublishOutcome['slot'],
  services: PublishOutcome['services'],
  startedAt: number,
): PublishOutcome {
  return { outcome, epoch, consistencyPoint, slot, services, seconds: (Date.now() - startedAt) / 1000 }
}

async function openSource(
  control: pg.Client,
  connection: NatsConnection,
  { monolith, prefix, set }: PublisherDependencies,
  { newEpoch }: PublishOptions,
  { kind, slot }: { readonly kind: 'begin' | 'go on'; readonly slot: string | null },
): Promise<SnapshotSource> {
  if (slot === null) return await exportSnapshot(monolith)
  const existing = await readSlot(control, slot)
  if (kind === 'go on') {
    if (existing === null || existing.walStatus === 'lost')
      throw new Failure(
        4,
        `Slot ${slot} is ${existing === null ? 'gone' : 'lost (PostgreSQL removed the WAL that it needs)'}: begin anew with --new-epoch.`,
      )
    return await exportSnapshot(monolith)
  }
  const log = await logIdentity(connection, prefix, set)
  if (existing !== null) {
    assertDroppable(existing, await recordedLog(control, prefix, slot), log, newEpoch)
    await dropSlot(control, slot)
  }
  await recordSlot(control, prefix, slot, log)
  return await createSlotWithSnapshot(monolith, slot)
}

/** Tells this log from another of the same names: when the first service's stream was created. */
async function logIdentity(connection: NatsConnection, prefix: string, { services }: ContractSet): Promise<string> {
  const first = services[0]
  if (first === undefined) throw new Error('A contract set has at least one service')
  const stream = streamName(prefix, first.name)
  const manager = await connection.jetstreamManager()
  return `${stream} created ${(await manager.streams.info(stream)).created}`
}

async function retention(control: pg.Client, slot: string | null): Promise<PublishOutcome['slot']> {
  if (slot === null) return null
  const state = await readSlot(control, slot)
  return state && { name: state.name, retainedBytes: state.retainedBytes, safeBytes: state.safeBytes }
}
