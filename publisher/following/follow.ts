import { isVisible, parseVisibility, type Visibility } from '../../contracts/visibility.ts'
import { HEADER_RESERVE_BYTES } from '../../contracts/wire/headers.ts'
import { type Lsn, lsnText, parseLsn } from '../../contracts/positions.ts'
import { crashPoint } from '../../infra/crash-point.ts'
import { tellStanding } from '../../infra/following/publisher-standing.ts'
import { publicationName } from '../../infra/prepare/names.ts'
import { codeOf } from '../../infra/postgres/session.ts'
import type { OpenEpoch } from '../begin-epoch.ts'
import { logReadingOf } from '../plan-readings.ts'
import type { FollowWish } from '../publish-snapshot.ts'
import type { Run } from '../run.ts'
import { assertFollowable, readSlot } from '../slot.ts'
import type { StreamWatch } from '../stream-watch.ts'
import { Acker } from './acker.ts'
import { readStoredPosition } from './last-position.ts'
import { writeGuard } from './guard.ts'
import { endLeftFollower } from './left-follower.ts'
import { ReceiveClock } from './receive-clock.ts'
import { receiveChanges } from './replication-stream.ts'
import { type Route, Routes } from './routes.ts'
import { ServiceChanges } from './service-changes.ts'
import { type ServiceSink, TransactionSplitter } from './transaction-splitter.ts'
import { WideXids } from './wide-xid.ts'

export interface FollowOptions {
  readonly run: Run
  readonly opened: OpenEpoch
  readonly slot: string
  readonly wish: FollowWish
  readonly streams: StreamWatch
  /** `pg_current_snapshot()` of each entity's reading, by its service's and its own name. */
  readonly snapshots: ReadonlyMap<string, string>
}

/** Following ends by itself where it has come to the marker that was wished. */
export interface Followed {
  /** Where the commit record of the marker's transaction begins. */
  readonly followedTo: string
}

/** A server may be told of the slot's position so often; it must hear of us within its `wal_sender_timeout` anyway. */
const STATUS_MS = 1_000
const STATUS_SHARE = 3

/** A slot that went, or was given up, since it was looked at: undefined object, object not in prerequisite state. */
const SLOT_REFUSED = new Set(['42704', '55000'])

export function snapshotKey(service: string, entity: string): string {
  return JSON.stringify([service, entity])
}

/**
 * Follows the monolith's changes from where the slot is confirmed, into the log, until the run ends or the wished marker
 * is stored in every stream.
 * @throws whatever ended it: the server's error, the log's, or a Failure for what cannot be sent.
 */
export async function follow(options: FollowOptions): Promise<Followed> {
  const { run, slot } = options
  await endLeftFollower(run, slot)
  const from = await readConfirmed(options)
  const acker = new Acker(options.wish.brokerSyncMs, from)
  const services = await openSinks(options, acker)
  const routes = await Routes.read(run.control, run.dependencies.set.services)
  const done = new AbortController()
  const reached = { lsn: null as Lsn | null }
  const guarded = new Map<string, number>()
  const splitter = new TransactionSplitter({
    prefix: run.dependencies.prefix,
    services,
    acker,
    xids: new WideXids(await readNextXid(run)),
    routeOf: (oid) => routes.of(oid),
    learn: async (relation) => await routes.learn(run.control, relation),
    isVisible: visibleIn(options.snapshots),
    marked: async (name, lsn) => {
      if (name !== options.wish.untilMarker) return
      await Promise.all([...options.opened.writers.values()].map(async (writer) => await writer.flush()))
      reached.lsn = lsn
      done.abort(new Error('The marker is stored'))
    },
  })
  run.report({ type: 'following-begun', slot, from: lsnText(from) })
  const clock = new ReceiveClock()
  const silence = run.watch.alongside(async (client) => {
    const standing = clock.standing(acker.progress)
    clock.looked(await tellStanding(client, run.dependencies.prefix, standing), acker.progress.received)
  })
  try {
    await receiveChanges({
      monolith: run.dependencies.monolith,
      slot,
      publication: publicationName(run.dependencies.prefix),
      statusMs: await readStatusMs(run),
      take: (message) => splitter.take(message),
      received: (lsn) => acker.received(lsn),
      confirmable: () => acker.confirmable(syncedAt(options)),
      confirming: async () => await writeChangedGuard(options, acker.places, guarded),
      signal: AbortSignal.any([run.signal, done.signal]),
    })
  } catch (error) {
    if (reached.lsn !== null) return { followedTo: lsnText(reached.lsn) }
    run.signal.throwIfAborted()
    if (SLOT_REFUSED.has(codeOf(error)))
      assertFollowable(slot, await readSlot(run.control, slot), null, options.opened.epoch)
    throw error
  } finally {
    silence()
  }
  throw new Error('Following ended without a reason')
}

/**
 * By which clock a message counts as synced: what the broker has in its memory alone may be gone with its power before we
 * hear of it, so it must be seen there after it should have been synced. Where each message is synced, its
 * acknowledgement says all.
 */
function syncedAt({ streams, wish }: FollowOptions): number {
  return wish.brokerSyncMs === 0 ? Date.now() : streams.wholeAt()
}

/** @param guarded what was written by now: on an idle monolith the writing alone would move the WAL on for ever. */
async function writeChangedGuard(
  { opened, run }: FollowOptions,
  places: ReadonlyMap<string, number>,
  guarded: Map<string, number>,
): Promise<void> {
  const changed = new Map([...places].filter(([service, sequence]) => guarded.get(service) !== sequence))
  await writeGuard(run.control, run.dependencies.prefix, opened.epoch, changed)
  for (const [service, sequence] of changed) guarded.set(service, sequence)
  crashPoint('publish-guard-written')
}

async function openSinks({ opened, run }: FollowOptions, acker: Acker): Promise<Map<string, ServiceSink>> {
  const { dependencies, maxPayloadBytes, options, report } = run
  const messageBytes = Math.min(options.pageBytes, Math.floor((maxPayloadBytes - HEADER_RESERVE_BYTES) / 2))
  const sinks = new Map<string, ServiceSink>()
  for (const { name: service } of dependencies.set.services) {
    const writer = opened.writers.get(service)
    if (writer === undefined) throw new Error(`No writer for service ${service}`)
    const stored = await readStoredPosition(logReadingOf(run), service, opened.epoch)
    const of = { prefix: dependencies.prefix, service, epoch: opened.epoch, writer, acker, messageBytes }
    const changes = new ServiceChanges({
      ...of,
      stored: (count) => report({ type: 'changes-stored', service, changes: count }),
      failed: run.fail,
    })
    sinks.set(service, { changes, stored })
  }
  return sinks
}

function visibleIn(snapshots: ReadonlyMap<string, string>): (route: Route, xid: bigint) => boolean {
  const parsed = new Map<string, Visibility>()
  return ({ entity, service }, xid) => {
    const key = snapshotKey(service.name, entity.name)
    const known = parsed.get(key) ?? parseVisibility(snapshots.get(key) ?? '0:0:')
    parsed.set(key, known)
    return isVisible(known, xid)
  }
}

async function readConfirmed({ run, slot }: FollowOptions): Promise<Lsn> {
  const { rows } = await run.control.query<{ lsn: string }>(
    'SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = $1',
    [slot],
  )
  if (rows[0] === undefined) throw new Error(`Slot ${slot} was there a moment ago`)
  return parseLsn(rows[0].lsn)
}

async function readNextXid({ control }: Run): Promise<bigint> {
  const { rows } = await control.query<{ xid: string }>('SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS xid')
  return BigInt(rows[0]?.xid ?? 0)
}

/** 0 means that the server waits for ever. Manual: "wal_sender_timeout". */
async function readStatusMs({ control }: Run): Promise<number> {
  const { rows } = await control.query<{ ms: string }>(
    `SELECT setting AS ms FROM pg_settings WHERE name = 'wal_sender_timeout'`,
  )
  const timeoutMs = Number(rows[0]?.ms ?? 0)
  return timeoutMs === 0 ? STATUS_MS : Math.min(STATUS_MS, Math.floor(timeoutMs / STATUS_SHARE))
}
