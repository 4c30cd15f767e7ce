import { Failure } from '../contracts/failure.ts'
import type { Entity } from '../contracts/language/contract-set.ts'
import { lsnText, parseLsn } from '../contracts/positions.ts'
import { crashPoint } from '../infra/crash-point.ts'
import { endKeepers } from '../infra/postgres/keeper-sessions.ts'
import { tableSql } from '../infra/postgres/digest-sql.ts'
import { slotName } from '../infra/prepare/names.ts'
import { TableRewritten } from './assert-same-table.ts'
import { beginEpoch, type OpenEpoch } from './begin-epoch.ts'
import { closeSnapshot, lastReading } from './close-snapshot.ts'
import { decidePublication, type LogState, type MonolithIdentity, type Publication } from './decide-publication.ts'
import { type DecidedReading, decideReadings } from './decide-readings.ts'
import type { PublishOutcome } from './events.ts'
import { beginFollowing, watched } from './following/begin-following.ts'
import { follow, snapshotKey } from './following/follow.ts'
import { judgeGuard, readGuard } from './following/guard.ts'
import { endAllKeepers, findKept, startKeeper } from './keeper.ts'
import { readIdentity } from './monolith-identity.ts'
import { assertSlotFits, logIdentity, openSource } from './open-source.ts'
import { planReadings, type Reading, reportPlan } from './plan-readings.ts'
import { changedTables, readTableStates, recordTableStates } from './table-states.ts'
import { takePublisherLock } from './publisher-lock.ts'
import { readForeignKeys } from './read-foreign-keys.ts'
import { readSettledLogs, readWishes } from './settled-logs.ts'
import { noticeChangedMonolith, refuseUnfitMonolith } from './refuse-unfit-monolith.ts'
import type { Run } from './run.ts'
import { assertFollowable, assertNotReplaced, readSlot, readSlotRecord } from './slot.ts'
import type { SnapshotSource } from './snapshot-source.ts'
import { refuseUnsafeStreams, type StreamWatch, withStreamWatch } from './stream-watch.ts'
import { announceAttempts, flushAll, writeSnapshot } from './write-snapshot.ts'

type Outcome = Omit<PublishOutcome, 'seconds'>
type OpenPublication = Exclude<Publication, { kind: 'already closed' }>

/**
 * One run: looks at what the log and the monolith hold, does what is left to be done, and closes the snapshot. Whatever
 * ends it, the next run goes on from what is stored by then. docs/reliability.md has the crash points.
 */
export async function publishOnce(run: Run): Promise<Outcome> {
  await takePublisherLock(run.control, run.dependencies.prefix, run.former.pid)
  crashPoint('publish-locked')
  try {
    return await publishLocked(run)
  } catch (error) {
    // Nobody goes on with its snapshot: the operator has ended it, or the snapshot does not show all tables any more.
    if (run.options.signal.aborted || error instanceof TableRewritten) await endAllKeepers(run).catch(() => undefined)
    throw error
  }
}

async function publishLocked(run: Run): Promise<Outcome> {
  const identity = await readIdentity(run.control)
  // First of all: a stream by whose retention messages go that were read would lose them by the reading.
  await refuseUnsafeStreams(run)
  const logs = await readSettledLogs(run)
  const decision = decidePublication(logs, await readWishes(run, logs, identity))
  // Behind the decision: whoever is led to another monolith is told so, and not what that one lacks.
  await refuseUnfitMonolith(run)
  if (decision.kind !== 'already closed') return await publish(run, identity, logs, decision)
  const changed = decision.slotName === null ? [] : await changedTablesOf(run)
  if (changed.length > 0) return await publish(run, identity, logs, reopened(run, decision, changed))
  const { kind: outcome, epoch, consistencyPoint, slotName: slot } = decision
  const followed = await followClosed(run, identity, logs, decision)
  return { outcome, epoch, consistencyPoint, slot: await closedSlot(run, epoch, slot), services: [], ...followed }
}

async function changedTablesOf({ control, dependencies }: Run): Promise<Entity[]> {
  const entities = dependencies.set.services.flatMap((service) => service.entities)
  return await changedTables(control, dependencies.prefix, entities)
}

/** What was read of a table that was rewritten since is void, so that an epoch that was closed goes on. */
function reopened(
  { options, report }: Run,
  { epoch, slotName: slot }: ClosedPublication,
  changed: readonly Entity[],
): OpenPublication {
  if (!options.withSlot)
    throw new Failure(4, `Epoch ${epoch} was begun with a slot: leave out --no-slot, or begin anew with --new-epoch.`)
  const names = changed.map(tableSql).join(', ')
  report({
    type: 'notice',
    text: `What the log has of ${names} is void, since ${changed.length === 1 ? 'it was' : 'they were'} rewritten by ALTER TABLE or made anew: ${changed.length === 1 ? 'it is' : 'they are'} read again.`,
  })
  return { kind: 'go on', epoch, slotName: slot }
}

type ClosedPublication = Extract<Publication, { kind: 'already closed' }>

async function followClosed(
  run: Run,
  identity: MonolithIdentity,
  logs: readonly LogState[],
  { consistencyPoint, epoch, slotName: slot }: ClosedPublication,
): Promise<Pick<Outcome, 'followedTo'>> {
  const { follow: wish } = run.options
  if (wish === undefined) return { followedTo: null }
  if (slot === null)
    throw new Failure(
      4,
      `The snapshot of epoch ${epoch} was published without a slot, so that what was written since cannot be followed: begin anew with --new-epoch.`,
    )
  await assertSlotFits(run, { kind: 'go on', epoch, log: await logIdentity(run), name: slot, withSlot: true })
  await assertGuarded(run, epoch, logs)
  const opened = await beginEpoch({ run, logs, epoch, identity, slot, consistencyPoint: parseLsn(consistencyPoint) })
  run.report({ type: 'epoch-begun', epoch, slot, consistencyPoint })
  const snapshots = new Map(
    logs.flatMap(({ service, readings }) =>
      [...readings].map(([entity, { snapshot }]) => [snapshotKey(service, entity), snapshot] as const),
    ),
  )
  return await withStreamWatch(
    run,
    opened,
    async (streams) => await watched(run, follow({ run, opened, slot, wish, snapshots, streams })),
  )
}

async function publish(
  run: Run,
  identity: MonolithIdentity,
  logs: readonly LogState[],
  publication: OpenPublication,
): Promise<Outcome> {
  const { options, report } = run
  const { epoch } = publication
  const slot = options.withSlot ? slotName(run.dependencies.prefix) : null
  const { decided, source } = await takeSnapshot(run, logs, publication)
  try {
    const readings = await planReadings({ run, epoch, decided, source })
    const last = lastReading(readings)
    const consistencyPoint = lsnText(last.consistencyPoint)
    if (slot !== null) await assertGuarded(run, epoch, logs)
    const opened = await beginEpoch({ run, logs, epoch, identity, slot, consistencyPoint: last.consistencyPoint })
    report({ type: 'epoch-begun', epoch, slot, consistencyPoint })
    const written = await withStreamWatch(
      run,
      opened,
      async (streams) => await writeAndFollow({ run, opened, readings, source, slot, streams }),
    )
    const left = await closedSlot(run, epoch, slot)
    return { outcome: 'closed', epoch, consistencyPoint, slot: left, ...written }
  } finally {
    await source?.release().catch(() => undefined)
  }
}

interface Writing {
  readonly run: Run
  readonly opened: OpenEpoch
  readonly readings: readonly Reading[]
  readonly source: SnapshotSource | null
  readonly slot: string | null
  readonly streams: StreamWatch
}

async function writeAndFollow(writing: Writing): Promise<Pick<Outcome, 'services' | 'followedTo'>> {
  const { opened, readings, run, slot, source, streams } = writing
  if (slot === null) await announceAttempts({ run, opened, readings })
  else await announceRecorded(run, opened, readings)
  reportPlan(run, readings)
  noticeSnapshots(run, readings, lastReading(readings))
  const following = beginFollowing(run, opened, readings, slot, streams)
  following.catch(() => undefined)
  await writeSnapshot({ run, opened, readings, snapshot: source?.name ?? '' })
  await endKeepers(run.control, run.dependencies.prefix)
  crashPoint('publish-keeper-ended')
  const services = await closeSnapshot({ run, opened, readings })
  await source?.release()
  await noticeChangedMonolith(run)
  const { followedTo } = await watched(run, following)
  return { services, followedTo }
}

async function assertGuarded({ control, dependencies }: Run, epoch: number, logs: readonly LogState[]): Promise<void> {
  judgeGuard(dependencies.prefix, await readGuard(control, dependencies.prefix, epoch), logs)
}

/**
 * Announces attempts and puts on record what their tables are, before the first of them is read: one that is rewritten
 * meanwhile is noticed by its reader. What a former record says of a table stays until the streams have the new attempt:
 * with a new one a run that dies in between would leave what was read before as if nothing had happened to the table.
 */
async function announceRecorded(run: Run, opened: OpenEpoch, readings: readonly Reading[]): Promise<void> {
  const { control, dependencies } = run
  const begun = readings.filter(({ isAnnounced }) => !isAnnounced).map(({ entity }) => entity)
  if (begun.length === 0) return
  const states = await readTableStates(control, begun)
  await recordTableStates(control, dependencies.prefix, states, true)
  crashPoint('publish-tables-recorded')
  await announceAttempts({ run, opened, readings })
  await flushAll({ opened })
  await recordTableStates(control, dependencies.prefix, states)
}

interface TakenSnapshot {
  readonly decided: readonly DecidedReading[]
  /** Null where nothing is left to be read. */
  readonly source: SnapshotSource | null
}

/** Takes the snapshot that a keeper holds, or a new one, and sees that a keeper holds it beside us. */
async function takeSnapshot(
  run: Run,
  logs: readonly LogState[],
  { kind, epoch }: OpenPublication,
): Promise<TakenSnapshot> {
  const { dependencies, options } = run
  const log = await logIdentity(run)
  const isBegun = kind === 'go on'
  const kept = isBegun ? await findKept(run, { log, epoch }) : null
  if (!isBegun) await endKeepers(run.control, dependencies.prefix)
  const decided = await decide(run, isBegun ? logs.filter((state) => state.epoch === epoch) : [], kept?.visible ?? null)
  const isNeeded = decided.some(({ decision }) => decision.kind !== 'keep')
  const wish = { kind, epoch, log, name: slotName(dependencies.prefix), withSlot: options.withSlot }
  if (kept !== null || !isNeeded) {
    await assertSlotFits(run, wish)
    return { decided, source: kept }
  }
  const keeper = options.withoutKeeper === true ? null : startKeeper(run)
  try {
    const source = await openSource(run, wish)
    await keeper?.keep({ ...source, log, epoch })
    crashPoint('publish-snapshot-kept')
    return { decided, source }
  } finally {
    keeper?.dismiss()
  }
}

async function decide(run: Run, logs: readonly LogState[], kept: string | null): Promise<DecidedReading[]> {
  const { services } = run.dependencies.set
  const entities = services.flatMap((service) => service.entities)
  return decideReadings({
    services,
    stored: new Map(logs.map(({ service, readings }) => [service, readings])),
    kept,
    withSlot: run.options.withSlot,
    foreignKeys: await readForeignKeys(run.control, entities),
    changed: new Set(run.options.withSlot ? await changedTablesOf(run) : []),
  })
}

/** Tables of several snapshots are exact together only when what was written in between has been followed. */
function noticeSnapshots({ report }: Run, readings: readonly Reading[], last: Reading): void {
  const earlier = readings.filter(({ snapshot }) => snapshot !== last.snapshot)
  if (earlier.length === 0) return
  const names = earlier.map(({ service, entity }) => `${service.name}.${entity.name}`).join(', ')
  report({
    type: 'notice',
    text: `The snapshot under which ${names} ${earlier.length === 1 ? 'was' : 'were'} read is gone: that stays, the other tables are of a later moment, and all are exact together from ${lsnText(last.consistencyPoint)} on, when the changes after the earlier one are followed; --new-epoch reads all of them as of one moment.`,
  })
}

/** A snapshot that is closed stays whole without its slot; only the changes after it could not be followed. */
async function closedSlot(run: Run, epoch: number, name: string | null): Promise<PublishOutcome['slot']> {
  if (name === null) return null
  const record = await readSlotRecord(run.control, run.dependencies.prefix, name)
  assertNotReplaced(name, record, epoch)
  const state = await readSlot(run.control, name)
  try {
    assertFollowable(name, state, record, epoch)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    run.report({
      type: 'notice',
      text: `What was written since the snapshot cannot be followed: ${error.message}`,
      isFault: true,
    })
    return null
  }
  return state && { name, retainedBytes: state.retainedBytes, safeBytes: state.safeBytes }
}
