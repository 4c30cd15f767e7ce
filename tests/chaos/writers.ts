import { setTimeout as sleep } from 'node:timers/promises'
import { Client, DatabaseError } from 'pg'
import { type ApplicationWork, simulateApplication } from '../../infra/demo/application.ts'
import { outageCause } from '../../consumers/database-outage.ts'
import { type Random } from '../hostile/random.ts'

export interface Writing {
  readonly work: ApplicationWork
  /** Keys whose commits the monolith acknowledged. */
  readonly acknowledged: string[]
  /** Keys whose commits may be there or not: the connection broke before the answer. */
  readonly unknown: string[]
}

export interface WritingPlan {
  readonly seed: number
  readonly random: Random
  /** Of the simulated application. */
  readonly sessions: number
  /** After each transaction of a session. */
  readonly restMs: number
}

const AGAIN_MS = 200
/** A large transaction comes so often, and touches so many rows. */
const LARGE_REST_MS = 5_000
const LARGE_ROWS = 3_000

/**
 * Writes to the monolith through all its outages, until the signal ends it: the simulated application, large transactions, and
 * rows of which it is known whether their commits were acknowledged.
 */
export async function writeThroughOutages(
  url: string,
  { random, restMs, seed, sessions }: WritingPlan,
  signal: AbortSignal,
): Promise<Writing> {
  const writing: Writing = { work: { transactions: 0, refused: 0 }, acknowledged: [], unknown: [] }
  const applications = Array.from({ length: sessions }, async (_, session) => {
    let time = 0
    await throughOutages(signal, async () => {
      time += 1
      const load = { sessions: 1, restMs }
      await simulateApplication(url, seed + session * 1_000 + time, signal, writing.work, load)
    })
  })
  await Promise.all([
    ...applications,
    throughOutages(signal, async () => await writeLarge(url, random, signal)),
    throughOutages(signal, async () => await writeAcknowledged(url, writing, { restMs, signal })),
  ])
  return writing
}

async function throughOutages(signal: AbortSignal, action: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    try {
      await action()
    } catch (error) {
      if (!isOutage(error)) throw error
      await sleep(AGAIN_MS)
    }
  }
}

/** A server that dies says so in several ways; whatever else it says is not its death. */
function isOutage(error: unknown): boolean {
  return outageCause(error) !== null || (error instanceof DatabaseError && error.code === '57P03')
}

async function withConnection(url: string, use: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url, application_name: 'chaos writer' })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await use(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function writeLarge(url: string, random: Random, signal: AbortSignal): Promise<void> {
  await withConnection(url, async (client) => {
    while (!signal.aborted) {
      const table = random(2) === 0 ? 'Element' : 'User'
      await client
        .query(
          `BEGIN; UPDATE "${table}" SET name = left(name || '~', 60) WHERE id IN (SELECT id FROM "${table}" WHERE id >= gen_random_uuid()::text LIMIT ${LARGE_ROWS}); COMMIT`,
        )
        .catch(async (error: unknown) => {
          // It may meet the others' transactions in another order.
          if (!(error instanceof DatabaseError) || error.code !== '40P01') throw error
          await client.query('ROLLBACK')
        })
      await sleep(LARGE_REST_MS, undefined, { signal }).catch(() => undefined)
    }
  })
}

/** Behind all keys that the simulated application changes. */
const KEY_PREFIX = 'zz-'

async function writeAcknowledged(
  url: string,
  { acknowledged, unknown }: Writing,
  { restMs, signal }: { readonly restMs: number; readonly signal: AbortSignal },
): Promise<void> {
  await withConnection(url, async (client) => {
    while (!signal.aborted) {
      const key = `${KEY_PREFIX}${acknowledged.length + unknown.length}`
      try {
        await client.query(`INSERT INTO "SystemSetting" (key, value, "updatedAt") VALUES ($1, '{}', now())`, [key])
        acknowledged.push(key)
      } catch (error) {
        unknown.push(key)
        throw error
      }
      await sleep(restMs, undefined, { signal }).catch(() => undefined)
    }
  })
}
