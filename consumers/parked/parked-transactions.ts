import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import { comparePositions } from '../../contracts/positions.ts'
import * as store from './parked-store.ts'

/** A transaction that a table did not take, or of which changes wait. */
export interface ParkedTransaction {
  /** Where its commit record begins. */
  readonly position: string
  /** `waiting`: some of its changes are to rows that earlier ones wait for. */
  readonly state: store.NotedTransaction['state'] | 'waiting'
  /** Which change the table did not take, and why; null where it only waits. */
  readonly reason: string | null
  /** ISO 8601, UTC; null where it only waits. */
  readonly notedAt: string | null
  /** How many of its changes wait, and in which tables. */
  readonly changes: number
  readonly entities: readonly string[]
}

/** In the monolith's order. */
export async function readParkedTransactions(client: pg.Client, service: string): Promise<ParkedTransaction[]> {
  const noted = new Map((await store.readNoted(client, service)).map((note) => [note.position, note]))
  const waiting = new Map((await store.readWaitingTransactions(client)).map((each) => [each.position, each]))
  const positions = [...new Set([...noted.keys(), ...waiting.keys()])].toSorted(comparePositions)
  return positions.map((position): ParkedTransaction => {
    const { changes = 0, entities = [] } = waiting.get(position) ?? {}
    const { notedAt = null, reason = null, state = 'waiting' } = noted.get(position) ?? {}
    return { position, state, reason, notedAt, changes, entities }
  })
}

/**
 * Chooses a transaction at which the consumer stopped: it is set aside when a consumer comes to it again.
 * @param position null for the one at which it stopped, where there is just one.
 * @throws Failure 4 where no consumer stopped there.
 */
export async function chooseParked(
  client: pg.Client,
  service: string,
  position: string | null,
): Promise<ParkedTransaction> {
  const known = await readParkedTransactions(client, service)
  const stopped = known.find((each) => (position === null ? each.state === 'stopped' : each.position === position))
  if (stopped === undefined || stopped.state === 'waiting') throw neverStopped(service, position)
  if (stopped.state !== 'stopped') return stopped
  await store.chooseTransaction(client, stopped.position)
  return { ...stopped, state: 'chosen' }
}

/**
 * Forgets what waits of one transaction. What waits behind it goes on waiting.
 * @throws Failure 4 where nothing of it waits.
 */
export async function discardParked(client: pg.Client, service: string, position: string): Promise<ParkedTransaction> {
  const parked = await findParked(client, service, position)
  await store.forgetTransactions(client, [position])
  await store.forgetEmptied(client)
  return parked
}

/** @throws Failure 4 where nothing of it waits. */
export async function findParked(client: pg.Client, service: string, position: string): Promise<ParkedTransaction> {
  const known = (await readParkedTransactions(client, service)).find((each) => each.position === position)
  if (known === undefined || known.changes === 0) throw nothingParked(service, position, known?.state)
  return known
}

const WAY_ON: Readonly<Record<store.NotedTransaction['state'], string>> = {
  stopped: 'its consumer stopped there; choose it with parked add, or put the row right and run consume',
  chosen: 'it is set aside when its consumer comes to it; run consume',
  parked: 'see parked list',
}

export function nothingParked(service: string, position: string, state?: ParkedTransaction['state']): Failure {
  const wayOn = WAY_ON[state === undefined || state === 'waiting' ? 'parked' : state]
  return new Failure(4, `Nothing of the transaction at ${position} is parked for service ${service}: ${wayOn}.`)
}

function neverStopped(service: string, position: string | null): Failure {
  const where = position === null ? 'stopped at no transaction' : `did not stop at ${position}`
  return new Failure(
    4,
    `The consumer of service ${service} ${where}, and only what a table does not take is set aside: see parked list.`,
  )
}
