import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Client, DatabaseError } from 'pg'
import { type Random, randomFor } from './monolith/random.ts'

/** What the simulated application has done by now. */
export interface ApplicationWork {
  /** Transactions that were committed. */
  transactions: number
  /** Transactions that the monolith refused, as it may: a user who wrote what must not be left without an author, say. */
  refused: number
}

export interface ApplicationLoad {
  readonly sessions: number
  /** Between two transactions of a session. */
  readonly restMs: number
}

/** A busy afternoon, and no load test. */
const BUSY: ApplicationLoad = { sessions: 2, restMs: 4 }

/** Taken once in a statement: of a table of UUIDs it is somewhere in the middle. */
const SOME_ID = '(SELECT gen_random_uuid()::text)'

/** Deeds by how often they are done; each is the statements of one transaction. */
const DEEDS: readonly (readonly [weight: number, deed: (random: Random) => readonly string[]])[] = [
  [
    20,
    () => [
      `UPDATE "Element" SET documentation = left(coalesce(documentation, '') || ' + ', 4000) WHERE id = ${any('Element')}`,
    ],
  ],
  [12, () => [copyOf('Element', {}), copyOf('Element', { name: `'Copie'` })]],
  [10, () => [copyOf('Relationship', {})]],
  [4, () => [`DELETE FROM "Relationship" WHERE id = ${any('Relationship')}`]],
  [2, () => [`DELETE FROM "Element" WHERE id = ${any('Element')}`]],
  [10, () => [copyOf('Comment', { content: `'Vu, merci'` })]],
  [8, () => [`UPDATE "Notification" SET read = NOT read, "readAt" = now() WHERE id = ${any('Notification')}`]],
  [6, () => [copyOf('ChatMessage', {}), copyOf('Notification', {})]],
  [4, () => [`UPDATE "User" SET name = name || '.', "updatedAt" = now() WHERE id = ${any('User')}`]],
  [3, () => [copyOf('User', { email: `gen_random_uuid() || '@exemple.fr'` })]],
  [1, () => [`DELETE FROM "User" WHERE id = ${any('User')}`]],
  [
    3,
    () => [
      `DELETE FROM "_GroupToUser" WHERE "B" = ${any('User')}`,
      `INSERT INTO "_GroupToUser" SELECT ${any('Group')}, ${any('User')} ON CONFLICT DO NOTHING`,
    ],
  ],
  [
    2,
    ({ below }) => [
      `UPDATE "SystemSetting" SET key = key || '${below(10)}' WHERE key = (SELECT min(key) FROM "SystemSetting")`,
    ],
  ],
  [
    1,
    () => [
      // Whoever finds others at the same rows takes the next ones: many at once would wait for each other, one by one.
      `UPDATE "View" SET description = 'Revue' WHERE id IN (SELECT id FROM "View" WHERE id >= ${SOME_ID} ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED)`,
    ],
  ],
]

const TOTAL_WEIGHT = DEEDS.reduce((sum, [weight]) => sum + weight, 0)

/**
 * What a monolith says where its own rules forbid something: a column that must have a value (no row was found to give one), a
 * foreign key, a unique index, a deadlock.
 */
const REFUSALS = new Set(['23502', '23503', '23505', '40P01'])

/**
 * Writes to the monolith as its users would, until the signal ends it: small transactions over the tables of all services,
 * with keys that change, rows that cascade and long texts that stay.
 * @param work is counted up while it goes on.
 */
export async function simulateApplication(
  url: string,
  seed: number,
  signal: AbortSignal,
  work: ApplicationWork,
  load: ApplicationLoad = BUSY,
): Promise<void> {
  setMaxListeners(0, signal)
  const sessions = Array.from({ length: load.sessions }, async (_, index) => {
    await useMonolith(url, randomFor(seed, `session ${index}`), signal, work, load)
  })
  await Promise.all(sessions)
}

async function useMonolith(
  url: string,
  random: Random,
  signal: AbortSignal,
  work: ApplicationWork,
  { restMs }: ApplicationLoad,
): Promise<void> {
  const client = new Client({ connectionString: url, application_name: 'scission demo application' })
  // What runs into it says so; without a listener, the process would end before it says what came first.
  client.on('error', () => undefined)
  await client.connect()
  try {
    while (!signal.aborted) {
      await commit(client, deedOf(random), work)
      await delay(restMs, undefined, { signal }).catch(() => undefined)
    }
  } finally {
    await client.end()
  }
}

async function commit(client: Client, statements: readonly string[], work: ApplicationWork): Promise<void> {
  try {
    await client.query(`BEGIN; ${statements.join('; ')}; COMMIT`)
    work.transactions += 1
  } catch (error) {
    await client.query('ROLLBACK')
    if (!(error instanceof DatabaseError) || !REFUSALS.has(error.code ?? '')) throw error
    work.refused += 1
  }
}

function deedOf(random: Random): readonly string[] {
  let left = random.below(TOTAL_WEIGHT)
  const [, deed] = DEEDS.find(([weight]) => (left -= weight) < 0) ?? DEEDS[0] ?? []
  return deed?.(random) ?? []
}

/** The id of some row, found by the key's index. */
function any(table: string): string {
  return `(SELECT id FROM "${table}" WHERE id >= gen_random_uuid()::text ORDER BY id LIMIT 1)`
}

/** Some row once more, with an id of its own and these columns by other expressions. */
function copyOf(table: string, columns: Readonly<Record<string, string>>): string {
  const changed = Object.entries({ id: 'gen_random_uuid()', ...columns }).map(([name, value]) => `'${name}', ${value}`)
  return `INSERT INTO "${table}" SELECT (jsonb_populate_record(old, jsonb_build_object(${changed.join(', ')}))).* FROM "${table}" AS old WHERE id = ${any(table)}`
}
