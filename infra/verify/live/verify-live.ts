import { randomUUID } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { PassThrough } from 'node:stream'
import type { Client } from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { type Entity, type Service, wireColumns } from '../../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../../contracts/language/quoting.ts'
import { lsnText } from '../../../contracts/positions.ts'
import { type ByteWindow, createByteWindow } from '../../byte-window.ts'
import {
  forgetVerification,
  requestVerification,
  setVerificationPoint,
  verificationMarker,
} from '../../following/verification-request.ts'
import { writeMarker } from '../../following/write-marker.ts'
import { tableSql } from '../../postgres/digest-sql.ts'
import type { PostgresTarget } from '../../postgres/session.ts'
import { slotName } from '../../prepare/names.ts'
import { atMost } from '../at-most.ts'
import { checkLoaded } from '../check-loaded.ts'
import { type ExpectedTable, readDigest, totalsOf } from '../compare-rows.ts'
import type { ServiceReport } from '../report.ts'
import { withStoppableSession } from '../stoppable-session.ts'
import { verifyService } from '../verify-service.ts'
import { type Verified, type Verifying, wantedOf, type WantedService } from '../verifying.ts'
import { type MonolithPoint, withMonolithPoint, withMonolithSnapshot } from './monolith-point.ts'
import { assertPublished, isFollowed, type PublisherPlace, untilMarked } from './publisher-progress.ts'
import { withServicePoint } from './service-point.ts'

/** Each service reads one table at a time here and one in the monolith: so much the servers have to bear. */
const SERVICES_AT_ONCE = 2

/** What all of a verification's steps share. */
interface Live extends Verifying {
  readonly id: string
  readonly target: PostgresTarget
  readonly place: PublisherPlace
}

/**
 * Compares the services with the monolith while both go on: all of them as of one point of its WAL. The monolith's side is
 * the snapshot that a temporary slot exports, which shows just the commits before its point; a service's side is its
 * database at the moment in which its consumer has applied just those. A service that is behind is late, and never
 * different. docs/following.md has the steps.
 */
export async function verifyLive(verifying: Verifying): Promise<Verified> {
  const target = await monolithOf(verifying)
  const id = randomUUID()
  return await withStoppableSession(target, 'verify', verifying.signal, async (monolith) => {
    const services = verifying.set.services.map(({ name }) => name)
    const manager = await verifying.connection.jetstreamManager()
    const live = { ...verifying, id, target, place: { manager, monolith, prefix: verifying.prefix, services } }
    await inEach(live, async (client) => await requestVerification(client, id))
    try {
      return await comparePoint(live)
    } finally {
      await inEach(live, async (client) => await forgetVerification(client, id)).catch(() => undefined)
    }
  })
}

async function monolithOf({ monolith }: Verifying): Promise<PostgresTarget> {
  if (monolith === undefined) throw new Error('The log has changes, and nobody said where the monolith is')
  return typeof monolith === 'function' ? await monolith() : monolith
}

async function comparePoint(live: Live): Promise<Verified> {
  const { id, place, prefix, signal, target, wanted } = live
  const follows = await isFollowed(place)
  await writeMarker(place.monolith, prefix, verificationMarker(id))
  const slot = `${slotName(prefix)}_v${id.slice(0, 8)}`.slice(-63)
  return await withMonolithPoint(target, slot, signal, async (point) => {
    const text = lsnText(point.point)
    await inEach(live, async (client) => await setVerificationPoint(client, id, text))
    // Behind the point, so that a service without further changes comes past it too.
    const written = await writeMarker(place.monolith, prefix, `${verificationMarker(id)} end`)
    if (follows) await untilMarked(place, written, signal)
    else await assertPublished(place, point.point)
    const at = { ...point, follows, turns: createByteWindow(SERVICES_AT_ONCE) }
    const reports = await atMost(wanted.length, wanted, async (each) => await verifyAt(live, each, at))
    return { reports, point: text }
  })
}

interface LivePoint extends MonolithPoint {
  /** Whether a publisher follows. */
  readonly follows: boolean
  readonly turns: ByteWindow
}

/** All services are seen at once, since a consumer shows its point for a moment only; they are read in turns. */
async function verifyAt(live: Live, wanted: WantedService, at: LivePoint): Promise<ServiceReport> {
  const { connection, id, limit, prefix, report, signal, target } = live
  const { database, service, snapshot } = wanted
  const { point, follows, turns } = at
  const place = { connection, prefix, service: service.name, database, id, point, isFollowed: follows, signal }
  return await withServicePoint(place, async (client) => {
    await checkLoaded(client, wantedOf(live, service.name, snapshot))
    await turns.acquire(1)
    try {
      return await withMonolithSnapshot(target, at.snapshot, signal, async (monolith) => {
        const of = { service, database, limit, signal, report, expectedRows: await estimatedRows(monolith, service) }
        const expected = async (entity: Entity): Promise<ExpectedTable> => await expectedIn(monolith, entity)
        return await verifyService({ ...of, view: async (action) => await action(client), expected })
      })
    } finally {
      turns.release(1)
    }
  })
}

/** Progress alone rests on it. */
async function estimatedRows(monolith: Client, { entities }: Service): Promise<number> {
  const { rows } = await monolith.query<{ rows: string }>(
    'SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint::text AS rows FROM pg_class WHERE oid = ANY ($1::text[]::regclass[])',
    [entities.map(tableSql)],
  )
  return Number(rows[0]?.rows ?? 0)
}

async function expectedIn(monolith: Client, entity: Entity): Promise<ExpectedTable> {
  const totals = totalsOf(await readDigest(monolith, entity))
  return { totals, copyText: () => copyTextOf(monolith, entity), noteOf: () => null }
}

async function* copyTextOf(monolith: Client, entity: Entity): AsyncGenerator<Uint8Array> {
  const columns = wireColumns(entity).map(({ name }) => quoteIdentifier(name))
  const rows = monolith.query(copyTo(`COPY (SELECT ${columns.join(', ')} FROM ONLY ${tableSql(entity)}) TO STDOUT`))
  const through = new PassThrough()
  const done = pipeline(rows, through)
  done.catch(() => undefined)
  yield* through as AsyncIterable<Buffer>
  await done
}

async function inEach(live: Live, action: (client: Client) => Promise<void>): Promise<void> {
  await Promise.all(
    live.wanted.map(
      async ({ database, service }) =>
        await withStoppableSession(database, `verify ${service.name}`, live.signal, action),
    ),
  )
}
