import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import { crashPoint } from '../../infra/crash-point.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import { inTransaction } from '../../infra/postgres/session.ts'
import type { Checkpoint } from '../service-state.ts'
import { cleanUp } from './clean-up.ts'
import { createShadow } from './create-shadow.ts'
import { readDependents } from './dependents.ts'
import { dropShadow } from './drop-schemas.ts'
import { readLacking } from './lacking.ts'
import { assertFollows, newestLog, withService } from './replay-session.ts'
import type { ShadowReplay } from './replay-service.ts'
import { createReplayState, dropReplayState, readReplay, type ReplayRecord } from './replay-state.ts'
import type { RowVersions } from './row-versions.ts'
import { assertRoom } from './room.ts'
import { shadowObjects } from './shadow-objects.ts'
import { shadowOf } from './shadow-schema.ts'
import { readFingerprint } from './structure.ts'

/** A replay whose shadow tables are there. */
export interface Begun {
  /** Where the service stands. */
  readonly checkpoint: Checkpoint
  readonly fingerprint: string
  readonly comparedAt: string | null
  readonly versions: RowVersions | null
  /** Whether an earlier run has put the shadows in place, and died before it had cleaned up. */
  readonly isSwapped: boolean
}

/**
 * Makes the shadow tables, or finds those of an earlier run, which it goes on with.
 * @throws Failure 4 where the service cannot be replayed, or where another replay was begun and not ended.
 */
export async function beginReplay(replay: ShadowReplay): Promise<Begun> {
  const { live, options, replaying } = replay
  // Before anything is made: a log that cannot be read ends it here.
  const newest = await newestLog(replaying, live.service.name)
  return await withService(replaying, live, async (client, checkpoint) => {
    const earlier = await readReplay(client)
    if (earlier !== null) assertSameReplay(replay, earlier)
    if (earlier?.stage === 'swapped') return begun(checkpoint, earlier)
    assertFollows(live.service.name, checkpoint, newest)
    if (options.ending === 'swap') await assertReplaceable(client, replay)
    if (earlier !== null) {
      replaying.report({
        type: 'notice',
        service: live.service.name,
        text: `going on with the replay that was begun at ${earlier.beganAt}`,
      })
      return begun(checkpoint, earlier)
    }
    await assertRoom(client, live, replay.rebuilt)
    await create(client, replay)
    crashPoint('replay-begun')
    const made = await readReplay(client)
    if (made === null) throw new Error('A replay that was begun is not on record')
    return begun(checkpoint, made)
  })
}

function begun(checkpoint: Checkpoint, { comparedAt, fingerprint, stage, versions }: ReplayRecord): Begun {
  return { checkpoint, fingerprint, comparedAt, versions, isSwapped: stage === 'swapped' }
}

function assertSameReplay({ live, rebuilt }: ShadowReplay, { beganAt, entities }: ReplayRecord): void {
  const wanted = rebuilt.entities.map(({ name }) => name)
  if (wanted.toSorted().join() === entities.toSorted().join()) return
  const { name } = live.service
  const of = entities.length === 1 ? `entity ${entities[0]}` : `the entities ${entities.join(', ')}`
  throw new Failure(
    4,
    `A replay of ${of} of service ${name} was begun at ${beganAt} and is not ended: end it by running it again as it was, or remove its tables with replay ${name} --discard.`,
  )
}

async function assertReplaceable(client: pg.Client, { rebuilt }: ShadowReplay): Promise<void> {
  const lacking = await readLacking(client, rebuilt)
  if (lacking.length > 0)
    throw new Failure(
      4,
      `Service ${rebuilt.name} cannot be replayed by this role: ${lacking.join('; ')}. Grant that, or rebuild the service in another database with --into.`,
    )
  const dependents = await readDependents(client, rebuilt)
  if (dependents.length === 0) return
  const told = dependents.slice(0, TOLD_DEPENDENTS).map(({ description, table }) => `${description} (on ${table})`)
  const more = dependents.length > told.length ? [`and ${dependents.length - told.length} more`] : []
  throw new Failure(
    4,
    `Tables of service ${rebuilt.name} cannot be replaced, since other objects rest on them and would go on meaning the old ones: ${[...told, ...more].join('; ')}. Drop these and make them again afterwards, or run replay ${rebuilt.name} --merge, which changes only the rows that differ.`,
  )
}

/** A sentence names no more of them. */
const TOLD_DEPENDENTS = 5

/** In one transaction: a run that dies leaves all of it or nothing. */
async function create(client: pg.Client, { rebuilt, replaying, shadow }: ShadowReplay): Promise<void> {
  const { prefix, set } = replaying
  await inTransaction(client, 'BEGIN', async () => {
    const fingerprint = await readFingerprint(client, rebuilt.entities.map(tableSql))
    const objects = await shadowObjects(client, rebuilt, shadow)
    await createShadow(client, rebuilt, shadow)
    await createReplayState(client, { set, prefix, service: rebuilt, fingerprint, objects })
  })
}

/**
 * Removes what an earlier replay left, whatever it was of; one that had put its tables in place is cleaned up behind it.
 * @returns whether there was one.
 */
export async function discardReplay({ live, replaying }: ShadowReplay): Promise<boolean> {
  return await withService(replaying, live, async (client) => {
    const earlier = await readReplay(client)
    // Without a record schemas of these names are somebody else's.
    if (earlier === null) return false
    const replayed = entitiesOnly(live.service, earlier.entities)
    const { schemas } = shadowOf(replayed)
    // What it has put in place stays, and so do the foreign keys that are not valid yet.
    if (earlier.stage === 'swapped') {
      await cleanUp(client, replayed, schemas)
      return true
    }
    await inTransaction(client, 'BEGIN', async () => {
      await dropShadow(client, schemas)
      await dropReplayState(client)
    })
    return true
  })
}

function entitiesOnly(service: Service, names: readonly string[]): Service {
  return { ...service, entities: service.entities.filter(({ name }) => names.includes(name)) }
}
