import { setTimeout as delay } from 'node:timers/promises'
import { Failure } from '../contracts/failure.ts'
import type { ContractSet } from '../contracts/language/contract-set.ts'
import { lsnText } from '../contracts/positions.ts'
import type { NatsTarget } from '../infra/nats/connect.ts'
import { slotName } from '../infra/prepare/names.ts'
import type { PostgresTarget } from '../infra/postgres/session.ts'
import { beginEpoch } from './begin-epoch.ts'
import {
  decidePublication,
  type LogState,
  type MonolithIdentity,
  type Publication,
  settlingMs,
} from './decide-publication.ts'
import type { PublisherEvent, PublishOutcome } from './events.ts'
import { readIdentity } from './monolith-identity.ts'
import { openSource } from './open-source.ts'
import { takePublisherLock } from './publisher-lock.ts'
import { readLogState } from './read-log-state.ts'
import { refuseUnfitMonolith } from './refuse-unfit-monolith.ts'
import { type Run, withRun } from './run.ts'
import { assertFollowable, assertNotReplaced, readSlot, readSlotRecord } from './slot.ts'
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
  const startedAt = Date.now()
  const seconds = (): number => (Date.now() - startedAt) / 1000
  return await withRun(dependencies, options, report, async (run) => {
    const { prefix } = dependencies
    await takePublisherLock(run.control, prefix)
    await refuseUnfitMonolith(run)
    const identity = await readIdentity(run.control)
    const logs = await readSettledLogs(run)
    const decision = decidePublication(logs, wishesOf(run, identity))
    if (decision.kind !== 'already closed')
      return { ...(await publish(run, identity, logs, decision)), seconds: seconds() }
    const { kind: outcome, epoch, consistencyPoint } = decision
    const slot = await closedSlot(run, decision)
    return { outcome, epoch, consistencyPoint, slot, services: [], seconds: seconds() }
  })
}

async function publish(
  run: Run,
  identity: MonolithIdentity,
  logs: readonly LogState[],
  { kind, epoch }: Exclude<Publication, { kind: 'already closed' }>,
): Promise<Omit<PublishOutcome, 'seconds'>> {
  const { dependencies, options, report } = run
  const name = slotName(dependencies.prefix)
  const slot = options.withSlot ? name : null
  const source = await openSource(run, { kind, epoch, name, withSlot: options.withSlot })
  const consistencyPoint = lsnText(source.consistencyPoint)
  try {
    const opened = await beginEpoch({ run, logs, epoch, identity, slot, source })
    report({ type: 'epoch-begun', epoch, slot, consistencyPoint })
    const services = await writeSnapshot({ run, logs, source, opened })
    return { outcome: 'closed', epoch, consistencyPoint, slot: await retention(run, slot), services }
  } finally {
    await source.release().catch(() => undefined)
  }
}

/** A log that goes on growing has another writer: one of another monolith, since the lock is ours. */
const SETTLE_TRIES = 60

async function readSettledLogs(run: Run): Promise<LogState[]> {
  for (let tries = 1; tries <= SETTLE_TRIES; tries += 1) {
    const logs = await readLogs(run)
    const waitMs = settlingMs(logs)
    if (waitMs === 0) return logs
    await delay(waitMs, undefined, { signal: run.signal })
  }
  throw new Failure(
    4,
    `The log of ${run.dependencies.prefix} goes on growing: another publisher writes to it, from another monolith; give one of the two a SCISSION_PREFIX of its own.`,
  )
}

async function readLogs(run: Run): Promise<LogState[]> {
  const { connection, dependencies, options, signal, waitOut } = run
  const { maxOutageMs } = options
  const reading = { connection, waitOut, prefix: dependencies.prefix, maxOutageMs, signal }
  return await Promise.all(dependencies.set.services.map(async ({ name }) => await readLogState(reading, name)))
}

function wishesOf({ dependencies, options }: Run, monolith: MonolithIdentity): Parameters<typeof decidePublication>[1] {
  const { newEpoch, withSlot } = options
  const { services } = dependencies.set
  const entities = new Map(services.map((service) => [service.name, service.entities.map(({ name }) => name)]))
  return { newEpoch, withSlot, monolith, entities }
}

/** A snapshot that is closed stays whole without its slot; only the changes after it could not be followed. */
async function closedSlot(
  run: Run,
  { epoch, slotName: name }: Extract<Publication, { kind: 'already closed' }>,
): Promise<PublishOutcome['slot']> {
  if (name === null) return null
  const record = await readSlotRecord(run.control, run.dependencies.prefix, name)
  assertNotReplaced(name, record, epoch)
  const state = await readSlot(run.control, name)
  try {
    assertFollowable(name, state, record, epoch)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    run.report({ type: 'notice', text: `What was written since the snapshot cannot be followed: ${error.message}` })
    return null
  }
  return await retention(run, name)
}

async function retention({ control }: Run, slot: string | null): Promise<PublishOutcome['slot']> {
  const state = slot === null ? null : await readSlot(control, slot)
  return state && { name: state.name, retainedBytes: state.retainedBytes, safeBytes: state.safeBytes }
}
