import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import { crashPoint } from '../../infra/crash-point.ts'
import { applyChanges } from '../following/apply-changes.ts'
import { RefusedChange } from '../following/apply-one-by-one.ts'
import { assertUnhindered } from '../following/assert-unhindered.ts'
import type { Checkpoint } from '../service-state.ts'
import { groupTransactions } from './group-transactions.ts'
import * as store from './parked-store.ts'
import { nothingParked } from './parked-transactions.ts'

/** Transactions that were tried together, and what came of it. */
export interface RetriedGroup {
  /** In the monolith's order. */
  readonly positions: readonly string[]
  readonly changes: number
  /** Why nothing of them is applied; null where all is. */
  readonly refused: string | null
}

export interface Retry {
  readonly service: Service
  readonly checkpoint: Pick<Checkpoint, 'phase'>
  /** A transaction that must be among those that are tried; all where it is null. */
  readonly position: string | null
}

/**
 * Applies what is parked, as a part of the caller's transaction: each transaction with all that wait for its rows, in the
 * monolith's order, or nothing of them.
 * @throws Failure 4 where nothing is parked there, or the tables are being loaded.
 */
export async function retryParked(
  client: pg.Client,
  { checkpoint, position, service }: Retry,
): Promise<RetriedGroup[]> {
  if (checkpoint.phase !== 'following')
    throw new Failure(
      4,
      `Service ${service.name} is ${checkpoint.phase}: what is parked is tried when it follows; run consume first.`,
    )
  const counts = new Map((await store.readWaitingTransactions(client)).map((each) => [each.position, each.changes]))
  if (position !== null && !counts.has(position)) throw nothingParked(service.name, position)
  await assertUnhindered(client, service)
  const groups = groupTransactions([...counts.keys()], await store.readLinks(client))
  const retried: RetriedGroup[] = []
  for (const positions of groups) {
    if (position !== null && !positions.includes(position)) continue
    const changes = positions.reduce((sum, each) => sum + (counts.get(each) ?? 0), 0)
    retried.push({ positions, changes, refused: await retryGroup(client, service, positions) })
  }
  await store.forgetEmptied(client)
  crashPoint('parked-retried')
  return retried
}

async function retryGroup(client: pg.Client, service: Service, group: readonly string[]): Promise<string | null> {
  await client.query('SAVEPOINT tried')
  try {
    for (const position of group)
      for await (const changes of store.changesOf(client, service, position)) {
        await client.query('SAVEPOINT page')
        await applyChanges(client, changes, 'page')
        await client.query('RELEASE page')
      }
    await store.forgetTransactions(client, group)
    await client.query('RELEASE tried')
    return null
  } catch (error) {
    if (!(error instanceof RefusedChange)) throw error
    await client.query('ROLLBACK TO tried')
    return error.message
  }
}
