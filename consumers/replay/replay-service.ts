import { Failure } from '../../contracts/failure.ts'
import type { Entity, Service } from '../../contracts/language/contract-set.ts'
import { justBehind, lsnText, parseLsn } from '../../contracts/positions.ts'
import { nearestName } from '../../infra/configuration/nearest-name.ts'
import { crashPoint } from '../../infra/crash-point.ts'
import type { PostgresTarget } from '../../infra/postgres/session.ts'
import type { Totals } from '../../infra/verify/report.ts'
import type { ConsumerRole } from '../role.ts'
import type { Checkpoint } from '../service-state.ts'
import { type ComparedTable, compareCopies } from './compare-copies.ts'
import { amount } from './amount.ts'
import { beginReplay, type Begun, discardReplay } from './begin-replay.ts'
import {
  fillCopy,
  type LogCopy,
  proofText,
  proveSnapshot,
  readCopy,
  type Replaying,
  secondsSince,
  step,
} from './fill-copy.ts'
import { putInPlace } from './put-in-place.ts'
import { positionText, withService } from './replay-session.ts'
import { AT_SNAPSHOT, chooseParkedAgain, REPLAY_SCHEMA, storeCompared } from './replay-state.ts'
import { readRowVersions } from './row-versions.ts'
import { type Shadow, shadowOf } from './shadow-schema.ts'

/** A service with the database that it uses. */
export interface LiveService {
  readonly service: Service
  readonly database: PostgresTarget
}

export interface ReplayOptions {
  /** The one entity that is rebuilt, up to the service's position; null for all of the service, up to the log's end. */
  readonly entity: string | null
  /** What becomes of the shadows. */
  readonly ending: 'swap' | 'keep' | 'merge'
  /** Goes on where the service's tables differ from the log: what it wrote itself is lost. */
  readonly overwrite: boolean
  /** Begins anew where an earlier replay is not ended. */
  readonly restart: boolean
  /** How many of the rows that differ are named, for each table. */
  readonly limit: number
}

/** How a replay ended. */
export interface ReplayOutcome {
  readonly service: string
  readonly entities: readonly string[]
  /** `different`: the tables in use are not what the log says, and nothing was replaced. */
  readonly ending: 'swapped' | 'kept' | 'merged' | 'different'
  readonly epoch: number
  /** The last transaction that is applied; null where that is the snapshot. */
  readonly position: string | null
  /** The service's tables at its position, compared with the shadows there. */
  readonly tables: readonly ComparedTable[]
  readonly seconds: number
}

/** A replay into tables beside those in use. */
export interface ShadowReplay {
  readonly replaying: Replaying
  readonly live: LiveService
  /** The service with the entities that are rebuilt. */
  readonly rebuilt: Service
  readonly shadow: Shadow
  readonly copy: LogCopy
  readonly options: ReplayOptions
}

/**
 * Rebuilds a service's tables from its log beside those in use, proves them, and puts them in their place; the service reads
 * the old ones until then. docs/replay.md has the states, and what a restart does behind each crash.
 * @throws Failure 2 for an unknown entity; 4 where something stands in the way, which it names.
 */
export async function replayService(
  replaying: Replaying,
  live: LiveService,
  options: ReplayOptions,
): Promise<ReplayOutcome> {
  const startedAt = performance.now()
  const replay = shadowReplay(replaying, live, options)
  if (options.restart) await discardReplay(replay)
  const begun = await beginReplay(replay)
  const outcome = begun.isSwapped ? await cleanUp(replay, begun) : await rebuild(replay, begun)
  return { ...outcome, seconds: secondsSince(startedAt) }
}

export function shadowReplay(replaying: Replaying, live: LiveService, options: ReplayOptions): ShadowReplay {
  const rebuilt = rebuiltService(live.service, options.entity)
  const shadow = shadowOf(rebuilt)
  const names = new Set(rebuilt.entities.map(({ name }) => name))
  const passedOver = live.service.entities.map(({ name }) => name).filter((name) => !names.has(name))
  const role: ConsumerRole = { verb: 'replay', stateSchema: REPLAY_SCHEMA, passedOver: new Set(passedOver) }
  const copy = { service: shadow.service, database: live.database, role }
  return { replaying, live, rebuilt, shadow, copy, options }
}

/** References to entities that stay are made from what the table in use has. */
function rebuiltService(service: Service, wanted: string | null): Service {
  if (wanted === null) return service
  const entity = service.entities.find(({ name }) => name === wanted)
  if (entity === undefined) throw unknownEntity(service, wanted)
  return { ...service, entities: [{ ...entity, references: entity.references.filter(({ to }) => to === wanted) }] }
}

function unknownEntity({ entities, name }: Service, wanted: string): Failure {
  const known = entities.map((entity: Entity) => entity.name)
  const nearest = nearestName(wanted, known)
  const hint = nearest === null ? '' : `; did you mean ${nearest}?`
  return new Failure(2, `Service ${name} has no entity ${wanted}: it has ${known.join(', ')}${hint || '.'}`)
}

type Ended = Omit<ReplayOutcome, 'seconds'>

async function rebuild(replay: ShadowReplay, begun: Begun): Promise<Ended> {
  const { copy, options, rebuilt, replaying } = replay
  const { name } = rebuilt
  await step(
    replaying,
    name,
    'loaded',
    async () => await fillCopy(replaying, copy, 'loaded'),
    ({ rows, tables }) => `${amount(rows, 'row')} in ${amount(tables, 'table')}`,
  )
  crashPoint('replay-loaded')
  const proven = await step(
    replaying,
    name,
    'snapshot proven',
    async () => await proveSnapshot(replaying, copy),
    proofText,
  )
  await withService(replaying, replay.live, chooseParkedAgain)
  const tables = await compareWithLive(replay, begun, proven)
  crashPoint('replay-compared')
  const refused = tables.filter(holdsOwnRows)
  if (refused.length > 0 && !options.overwrite) return await outcomeOf(replay, 'different', tables)
  if (options.entity === null)
    await step(
      replaying,
      name,
      'caught up',
      async () => await fillCopy(replaying, copy, 'present end'),
      ({ appliedChanges }) => amount(appliedChanges, 'change'),
    )
  crashPoint('replay-caught-up')
  if (options.ending === 'keep') return await outcomeOf(replay, 'kept', tables)
  const ended = await outcomeOf(replay, options.ending === 'merge' ? 'merged' : 'swapped', tables)
  await putInPlace(replay, begun)
  return ended
}

/** A table that is missing, or empty, holds nothing that could be lost. */
function holdsOwnRows({ equal, present }: ComparedTable): boolean {
  return !equal && present !== null && present.rows > 0
}

async function outcomeOf(
  { copy, rebuilt, replaying }: ShadowReplay,
  ending: Ended['ending'],
  tables: readonly ComparedTable[],
): Promise<Ended> {
  const { epoch, lsn } = await readCopy(replaying, copy)
  const entities = rebuilt.entities.map(({ name }) => name)
  return { service: rebuilt.name, entities, ending, epoch, position: lsn, tables }
}

/** A run that died behind the swap has done all but this. */
async function cleanUp(replay: ShadowReplay, begun: Begun): Promise<Ended> {
  const ended = await outcomeOf(replay, 'swapped', [])
  await putInPlace(replay, begun)
  return ended
}

/**
 * Applies the log up to the service's own position, and compares there: what differs the service wrote itself, or somebody
 * else, since its consumer wrote what the log says.
 * @param proven what the shadows hold that were just proven to be the snapshot; they need not be read again to be compared
 * with a service that stands there.
 */
async function compareWithLive(
  replay: ShadowReplay,
  begun: Begun,
  proven: ReadonlyMap<string, Totals> | null,
): Promise<ComparedTable[]> {
  const { live, options, rebuilt, replaying, shadow } = replay
  const { checkpoint } = begun
  const { name } = live.service
  const place = checkpoint.lsn ?? AT_SNAPSHOT
  if (begun.comparedAt === place && (options.overwrite || begun.versions !== null)) return []
  await bringTo(replay, checkpoint)
  const { jobs, signal } = replaying
  // Before they are compared: what is written in between counts as written since.
  const versions = options.overwrite
    ? null
    : await withService(replaying, live, async (client) => await readRowVersions(client, rebuilt))
  const tables = await step(
    replaying,
    name,
    'compared',
    async () =>
      await compareCopies({
        present: { target: live.database, service: rebuilt },
        rebuilt: { target: live.database, service: shadow.service },
        ...(checkpoint.lsn === null && proven !== null && { known: proven }),
        jobs,
        limit: options.limit,
        signal,
      }),
    (compared) => comparedText(compared, positionText(checkpoint)),
  )
  if (options.overwrite || !tables.some(holdsOwnRows))
    await withService(replaying, live, async (client) => await storeCompared(client, place, versions))
  return tables
}

function comparedText(tables: readonly ComparedTable[], position: string): string {
  const different = tables.filter(({ equal }) => !equal).length
  const what =
    different === 0 ? 'all tables in use are equal' : `${different} of ${amount(tables.length, 'table')} differ`
  return `${what}, at ${position}`
}

/** @throws Failure 4 where the shadows cannot be brought to exactly the service's position. */
async function bringTo({ copy, live, replaying }: ShadowReplay, checkpoint: Checkpoint): Promise<void> {
  const { name } = live.service
  const { lsn } = checkpoint
  const before = await readCopy(replaying, copy)
  assertSameLog(name, checkpoint, before)
  if (before.lsn !== null && (lsn === null || parseLsn(before.lsn) > parseLsn(lsn)))
    throw new Failure(
      4,
      `Service ${name} stands at ${positionText(checkpoint)}, and its replay has come to ${before.lsn}, so that they cannot be compared: run consume ${name} --until-caught-up, then replay ${name} again; or replay ${name} --restart.`,
    )
  if (lsn === null) return
  await fillCopy(replaying, copy, justBehind(parseLsn(lsn)))
  const after = await readCopy(replaying, copy)
  if (after.lsn !== null && parseLsn(after.lsn) === parseLsn(lsn)) return
  throw new Failure(
    4,
    `Service ${name} has applied the transaction at ${lsnText(parseLsn(lsn))}, which its log does not hold: the broker came back with an older store, or it is another log; put the stream back from a copy, or correct NATS_URL.`,
  )
}

function assertSameLog(service: string, own: Checkpoint, replayed: Checkpoint): void {
  const isSame = own.epoch === replayed.epoch && own.epochStartedAt === replayed.epochStartedAt
  const isSameReading = [...replayed.attempts].every(([entity, attempt]) => own.attempts.get(entity) === attempt)
  if (isSame && isSameReading) return
  const behind = isSame ? 'was read from the monolith anew since' : `is at epoch ${replayed.epoch}`
  throw new Failure(
    4,
    `Service ${service} is at epoch ${own.epoch}, and its log ${behind}: run consume ${service} --until-caught-up first, which brings it there by itself.`,
  )
}
