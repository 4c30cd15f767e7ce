import { setTimeout as delay } from 'node:timers/promises'
import { streamName } from '../contracts/subjects.ts'
import { crashPoint } from '../infra/crash-point.ts'
import { endBackend } from '../infra/postgres/backend.ts'
import { awaitFinished } from './await-finished.ts'
import type { Publication } from './decide-publication.ts'
import { refuseFullServer } from './refuse-unfit-monolith.ts'
import type { Run } from './run.ts'
import {
  assertDroppable,
  assertFollowable,
  dropSlot,
  readSlot,
  readSlotRecord,
  recordSlot,
  type SlotState,
} from './slot.ts'
import { createSlotWithSnapshot, exportSnapshot, SLOT_SESSION, type SnapshotSource } from './snapshot-source.ts'

/** What a source is opened for. */
export interface SourceWish {
  readonly kind: Exclude<Publication['kind'], 'already closed'>
  readonly epoch: number
  /** Tells this log from another of the same names. */
  readonly log: string
  /** The slot's name, also where none is wanted. */
  readonly name: string
  readonly withSlot: boolean
}

/** How long a session that was ended may take to leave its slot. */
const LEAVE_TRIES = 50
const LEAVE_TRY_MS = 100

/**
 * Takes the snapshot that is published: the new slot's own, one that an older slot of the same epoch follows, or one
 * that nothing follows.
 * @throws Failure 4 where a slot stands in the way, or is not there any more.
 */
export async function openSource(run: Run, wish: SourceWish): Promise<SnapshotSource> {
  if (wish.kind === 'go on') {
    await assertSlotFits(run, wish)
    if (wish.withSlot) await awaitFinished(run)
    return await exportSnapshot(run)
  }
  const { control, dependencies, options } = run
  const { name, epoch, log } = wish
  const record = await readSlotRecord(control, dependencies.prefix, name)
  const existing = await endLeftCreation(run, name, record?.log === log)
  if (!wish.withSlot) {
    if (existing?.ours === true) await leaveSlotBehind(run, existing, options.newEpoch || record?.log === log)
    return await exportSnapshot(run)
  }
  if (existing !== null) assertDroppable(existing, record, log, options.newEpoch)
  await refuseFullServer(run)
  // Recorded before the old slot goes, so that a crash in between is seen for what it is.
  await recordSlot(control, dependencies.prefix, name, { log, epoch })
  crashPoint('publish-slot-recorded')
  if (existing !== null) await dropSlot(control, name)
  const source = await createSlotWithSnapshot(run, name)
  crashPoint('publish-slot-created')
  return source
}

/**
 * Sees that what an epoch that goes on rests on is there: its slot, or none.
 * @throws Failure 4 where the slot is not there any more.
 */
export async function assertSlotFits(run: Run, { name, epoch, log, withSlot }: SourceWish): Promise<void> {
  const { control, dependencies, options } = run
  const record = await readSlotRecord(control, dependencies.prefix, name)
  const existing = await endLeftCreation(run, name, record?.log === log)
  if (withSlot) return assertFollowable(name, existing, record, epoch)
  if (existing?.ours === true) await leaveSlotBehind(run, existing, options.newEpoch || record?.log === log)
}

/** A slot that this epoch does without would hold the monolith's WAL until its disk is full. */
async function leaveSlotBehind({ control, report }: Run, slot: SlotState, disposable: boolean): Promise<void> {
  if (disposable && slot.activePid === null) return await dropSlot(control, slot.name)
  report({
    type: 'notice',
    text: `Slot ${slot.name} is not used by this epoch, and keeps WAL in the monolith: drop it with cancel if nobody needs it.`,
    isFault: true,
  })
}

/** A publisher that was killed while its slot was made leaves a session that waits on; its lock is ours now. */
async function endLeftCreation(
  { control, dependencies, signal }: Run,
  name: string,
  recorded: boolean,
): Promise<SlotState | null> {
  let slot = await readSlot(control, name)
  const left = recorded && slot?.activeApplication?.startsWith(`scission ${SLOT_SESSION}`) === true
  if (!left || slot?.activePid == null) return slot
  await endBackend(dependencies.monolith, slot.activePid)
  for (let tries = 0; slot?.activePid != null && tries < LEAVE_TRIES; tries += 1) {
    await delay(LEAVE_TRY_MS, undefined, { signal })
    slot = await readSlot(control, name)
  }
  return slot
}

/** Tells this log from another of the same names: when the first service's stream was created. */
export async function logIdentity({ dependencies, waitOut }: Run): Promise<string> {
  const [first] = dependencies.set.services
  if (first === undefined) throw new Error('A contract set has at least one service')
  const stream = streamName(dependencies.prefix, first.name)
  return await waitOut(async (manager) => `${stream} created ${(await manager.streams.info(stream)).created}`)
}
