import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import { codeOf, inTransaction, type PostgresTarget, withSession } from '../../infra/postgres/session.ts'
import { passOverTriggers } from '../consumer-session.ts'
import { type Checkpoint, type Owner, readCheckpoint } from '../service-state.ts'
import { hasUnfinishedReplay } from '../../infra/service-database/has-unfinished-replay.ts'
import { useState } from '../use-state.ts'
import { lockParked } from './parked-store.ts'

/** A consumer holds what is parked as it is for as long as it applies a batch; only a large one takes longer. */
const LOCK_TIMEOUT_MS = 10_000

const LOCK_NOT_AVAILABLE = '55P03'

export interface ParkedPlace extends Owner {
  readonly database: PostgresTarget
  readonly signal: AbortSignal
}

/** Looks at what is parked in a service's database. @throws Failure 4 where it is another service's. */
export async function withParked<Result>(
  place: ParkedPlace,
  action: (client: pg.Client, checkpoint: Checkpoint) => Promise<Result>,
): Promise<Result> {
  const { database, service, signal } = place
  return await withSession(database, { purpose: `parked ${service.name}`, signal }, async (client) => {
    await useState(client)
    return await inTransaction(client, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', async () =>
      action(client, await readCheckpoint(client, place)),
    )
  })
}

/**
 * Changes what is parked, in one transaction, while no consumer does. Where it is only tried, nothing of it stays.
 * @throws Failure 4 where it is another service's, or is being replayed, 5 where a consumer holds it for too long.
 */
export async function changeParked<Result>(
  place: ParkedPlace,
  isTried: boolean,
  action: (client: pg.Client, checkpoint: Checkpoint) => Promise<Result>,
): Promise<Result> {
  const { database, service, signal } = place
  return await withSession(database, { purpose: `parked ${service.name}`, signal }, async (client) => {
    await passOverTriggers(client)
    await useState(client)
    await client.query(`BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`)
    try {
      // The phase, too, is changed by whoever has the lock.
      await lockParked(client, true)
      await assertNotReplayed(client, service.name)
      const result = await action(client, await readCheckpoint(client, place))
      const wanted = isTried ? 'ROLLBACK' : 'COMMIT'
      const { command } = await client.query(wanted)
      if (command !== wanted) throw new Error(`What was changed of the parked ended with ${command}`)
      return result
    } catch (error) {
      if (codeOf(error) !== LOCK_NOT_AVAILABLE) throw error
      throw new Failure(
        5,
        `Somebody holds what is parked, or a table, of service ${service.name} for more than ${LOCK_TIMEOUT_MS / 1_000} s, as a consumer that applies a large transaction does: nothing was changed; try again later.`,
        { cause: error },
      )
    }
  })
}

/** A replay has taken over what is parked, and puts that in its place in the end: what is changed here would come again, or be lost. */
async function assertNotReplayed(client: pg.Client, service: string): Promise<void> {
  if (!(await hasUnfinishedReplay(client))) return
  throw new Failure(
    4,
    `A replay of service ${service} was begun and not ended, and puts its own in the place of what is parked: nothing was changed; run replay ${service}, or replay ${service} --discard, and then this again.`,
  )
}
