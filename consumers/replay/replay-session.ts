import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import { withNats } from '../../infra/nats/connect.ts'
import { operatorFailure } from '../driver-failure.ts'
import { withSession } from '../../infra/postgres/session.ts'
import { takeLease } from '../lease.ts'
import { type Checkpoint, readCheckpoint } from '../service-state.ts'
import { useState } from '../use-state.ts'
import type { Replaying } from './fill-copy.ts'
import { newestEpoch } from './find-point.ts'
import type { LiveService } from './replay-service.ts'

/**
 * Runs an action in a session that holds the service's lease, so that no consumer and no other replay changes its tables
 * or its state meanwhile.
 * @throws Failure 4 where one is at work, or the database is another service's.
 */
export async function withService<Result>(
  replaying: Replaying,
  { database, service }: LiveService,
  action: (client: pg.Client, checkpoint: Checkpoint) => Promise<Result>,
): Promise<Result> {
  const { nats, prefix, set, signal } = replaying
  try {
    return await withSession(database, { purpose: `replay ${service.name}`, signal }, async (client) => {
      await takeLease(client, service.name)
      await useState(client)
      const checkpoint = await readCheckpoint(client, { set, service, prefix })
      await client.query('SET search_path = pg_catalog')
      return await action(client, checkpoint)
    })
  } catch (error) {
    signal.throwIfAborted()
    throw operatorFailure(error, { nats, database: database.title })
  }
}

/** A position of a service, as it is compared and told. */
export function positionText({ lsn }: Pick<Checkpoint, 'lsn'>): string {
  return lsn ?? 'the snapshot'
}

/** A log's newest epoch. */
export interface NewestLog {
  readonly epoch: number
  /** By which it is told from the same epoch of another log. */
  readonly startedAt: string
}

/** @throws Failure 4 where the broker cannot be reached, or the log has no snapshot. */
export async function newestLog({ nats, prefix, signal }: Replaying, service: string): Promise<NewestLog> {
  return await withNats(
    nats,
    `replay ${service}`,
    async (connection) => await newestEpoch({ connection, prefix, service, signal }),
  )
}

/**
 * Only a service whose tables are whole, and of the log's newest epoch, can be compared with a replay, and be replaced by one.
 * @throws Failure 4 that says what to do.
 */
export function assertFollows(service: string, checkpoint: Checkpoint, { epoch, startedAt }: NewestLog): void {
  assertLoaded(service, checkpoint)
  if (checkpoint.epoch < epoch)
    throw new Failure(
      4,
      `Service ${service} is at epoch ${checkpoint.epoch}, and its log at epoch ${epoch}: run consume ${service} --until-caught-up first, which brings it there by itself.`,
    )
  if (checkpoint.epoch === epoch && checkpoint.epochStartedAt === startedAt) return
  throw new Failure(
    4,
    `Service ${service} was loaded from another log, whose epoch ${checkpoint.epoch} began at ${checkpoint.epochStartedAt}, than this one, whose epoch ${epoch} began at ${startedAt}: correct NATS_URL or SCISSION_PREFIX, or rebuild it in another database with replay ${service} --into.`,
  )
}

function assertLoaded(service: string, { epoch, phase }: Checkpoint): void {
  if (phase === 'following') return
  const state = epoch === 0 ? 'was never loaded' : 'has not finished loading'
  throw new Failure(
    4,
    `Service ${service} ${state}: run consume ${service} --until-caught-up, or rebuild it in another database with replay ${service} --into.`,
  )
}
