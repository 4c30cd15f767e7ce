import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import { crashPoint } from '../../infra/crash-point.ts'
import { inTransaction } from '../../infra/postgres/session.ts'
import { LOCK_PATIENCE, withLockPatience } from '../../infra/prepare/lock-patience.ts'
import { createReferenceSql } from '../../infra/service-database/ddl.ts'
import { passOverTriggers } from '../consumer-session.ts'
import type { Checkpoint } from '../service-state.ts'
import { amount } from './amount.ts'
import type { Begun } from './begin-replay.ts'
import { cleanUp } from './clean-up.ts'
import { step } from './fill-copy.ts'
import { finishShadow } from './finish-shadow.ts'
import { mergeInto } from './merge.ts'
import { withService } from './replay-session.ts'
import type { ShadowReplay } from './replay-service.ts'
import * as state from './replay-state.ts'
import { assertUnwritten, readRowVersions } from './row-versions.ts'
import { swap } from './swap.ts'

/**
 * Puts the shadows in the place of the tables in use, or merges them, with their state in the same transaction, and removes
 * what is left.
 * @throws Failure 4 where the service has moved meanwhile, or a lock was not to be had; 3 as `cleanUp` does, and where a table
 * was written to since it was compared.
 */
export async function putInPlace(replay: ShadowReplay, begun: Begun): Promise<void> {
  const { live, options, rebuilt, replaying, shadow } = replay
  const { name } = rebuilt
  await withService(replaying, live, async (client, checkpoint) => {
    if (!begun.isSwapped) {
      assertUnmoved(name, begun.checkpoint, checkpoint)
      if (!options.overwrite) await assertAsCompared(client, replay)
      if (options.ending === 'merge') await merge(client, replay)
      else await swapWithState(client, replay, begun)
      crashPoint('replay-swapped')
    }
    await step(
      replaying,
      name,
      'cleaned up',
      async () => await cleanUp(client, rebuilt, shadow.schemas),
      () => 'the replaced tables are gone',
    )
  })
}

/** An earlier run may have compared them. */
async function assertAsCompared(client: pg.Client, { rebuilt }: ShadowReplay): Promise<void> {
  const compared = (await state.readReplay(client))?.versions ?? null
  if (compared === null) throw new Error(`The tables of service ${rebuilt.name} were not compared`)
  assertUnwritten(rebuilt.name, compared, await readRowVersions(client, rebuilt))
}

/** What was compared is what will be replaced. */
function assertUnmoved(service: string, then: Checkpoint, now: Checkpoint): void {
  if (then.epoch === now.epoch && then.lsn === now.lsn && then.phase === now.phase) return
  throw new Failure(
    4,
    `A consumer of service ${service} ran while it was replayed: end it, and run replay ${service} again; it goes on from where it was.`,
  )
}

async function swapWithState(client: pg.Client, replay: ShadowReplay, { fingerprint }: Begun): Promise<void> {
  const { live, options, rebuilt, replaying, shadow } = replay
  await step(
    replaying,
    rebuilt.name,
    'finished',
    async () => {
      await inTransaction(client, 'BEGIN', async () => await finishShadow(client, rebuilt, shadow))
      if (options.entity === null) await state.copyLedger(client)
    },
    () => 'rights, policies, triggers and comments',
  )
  crashPoint('replay-finished')
  const missing = await missingEntities(client, replay)
  await step(
    replaying,
    rebuilt.name,
    'swapped',
    async () => {
      const swapping = { service: rebuilt, shadow, fingerprint, where: live.database.title }
      await swap(client, swapping, async (session, validations) => {
        await moveState(session, replay)
        await state.markCreated(session, missing)
        await state.storeSwapped(session, [...validations, ...lostReferences(replay, missing)])
        crashPoint('replay-swapping')
      })
    },
    () => 'the new tables are in use',
  )
}

async function moveState(client: pg.Client, { options }: ShadowReplay): Promise<void> {
  if (options.entity === null) await state.moveState(client)
}

/**
 * The contract's foreign keys that went with a table, as whoever dropped it with CASCADE has seen. Of a whole service they are
 * built with the shadows.
 */
function lostReferences({ live, options }: ShadowReplay, missing: readonly string[]): string[] {
  if (options.entity === null) return []
  const { service } = live
  return service.entities.flatMap((entity) =>
    entity.references
      .filter(({ to }) => to !== entity.name && (missing.includes(entity.name) || missing.includes(to)))
      .map((reference) => createReferenceSql(service, entity, reference)),
  )
}

async function missingEntities(client: pg.Client, { rebuilt }: ShadowReplay): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT name FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted (name, schema, relation)
      WHERE to_regclass(format('%I.%I', schema, relation)) IS NULL`,
    [
      rebuilt.entities.map(({ name }) => name),
      rebuilt.entities.map(({ schema }) => schema),
      rebuilt.entities.map(({ table }) => table),
    ],
  )
  return rows.map(({ name }) => name)
}

async function merge(client: pg.Client, replay: ShadowReplay): Promise<void> {
  const { live, options, rebuilt, replaying, shadow } = replay
  const locked = {
    hindered: 'they could not be merged',
    where: live.database.title,
    tables: rebuilt.entities,
    mode: 'SHARE ROW EXCLUSIVE' as const,
  }
  await passOverTriggers(client)
  if (options.entity === null) await state.copyLedger(client)
  await step(
    replaying,
    rebuilt.name,
    'merged',
    async () =>
      await withLockPatience(client, locked, LOCK_PATIENCE, async () => {
        const merged = await mergeInto(client, rebuilt, shadow.service)
        await moveState(client, replay)
        await state.storeSwapped(client, [])
        crashPoint('replay-swapping')
        return merged
      }),
    (merged) => {
      const sum = (of: 'deleted' | 'updated' | 'inserted'): number =>
        merged.reduce((total, counts) => total + counts[of], 0)
      return `${amount(sum('inserted'), 'row')} inserted, ${amount(sum('updated'), 'row')} updated, ${amount(sum('deleted'), 'row')} deleted`
    },
  )
}
