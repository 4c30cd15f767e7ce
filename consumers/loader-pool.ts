import type pg from 'pg'
import type { PostgresTarget } from '../infra/postgres/session.ts'
import { type ConsumerSession, openConsumerSession, type SessionLife } from './consumer-session.ts'
import { markAsLoader } from './lease.ts'

type Work = (client: pg.Client) => Promise<void>

/** Several sessions that work on batches; a batch is handed over when a session is free. */
export interface LoaderPool {
  /**
   * Waits for a free session, and hands the work to it. Where it throws, which is for what an earlier piece of work
   * threw, this work was not begun.
   * @param rank the higher it ranks a free session, the rather it is taken.
   */
  run(work: Work, rank?: (client: pg.Client) => number): Promise<void>
  /** Hands the work to this session, unless it is at work, or nothing is begun any more. */
  runIfFree(client: pg.Client, work: Work): void
  /** Waits until nothing is under way. Throws what a piece of work threw. */
  drain(): Promise<void>
  /** Ends the sessions, at work or not. */
  end(): Promise<void>
}

/**
 * Opens the sessions. They commit asynchronously: rows and ledger are lost together or not at all, and whatever a crash
 * of the service's server takes is loaded again. The stored stream sequence never outlives a page that it counts: that
 * page's commit was returned, so its record stands before ours in the WAL, and the WAL is kept and replayed as a prefix.
 * Manual: "Asynchronous Commit".
 * @param life its `lost` is told of the first failure as it comes, also when nobody waits for it.
 */
export async function openLoaders(
  database: PostgresTarget,
  service: string,
  loaders: number,
  life: SessionLife,
): Promise<LoaderPool> {
  const pool = new Loaders(life)
  const opened = await Promise.allSettled(
    Array.from({ length: loaders }, async (_, index) => await pool.open(database, `${service} loader ${index + 1}`)),
  )
  const refused = opened.find((result) => result.status === 'rejected')
  if (refused === undefined) return pool
  await pool.end()
  throw refused.reason
}

class Loaders implements LoaderPool {
  readonly #life: SessionLife
  readonly #sessions: ConsumerSession[] = []
  readonly #free = new Set<pg.Client>()
  readonly #running = new Set<Promise<void>>()
  #failure: Error | null = null

  constructor(life: SessionLife) {
    this.#life = life
  }

  async open(database: PostgresTarget, purpose: string): Promise<void> {
    const life = { ...this.#life, lost: (error: Error) => this.#fail(error) }
    const session = await openConsumerSession(database, purpose, life)
    this.#sessions.push(session)
    life.traffic.add(session.client)
    await markAsLoader(session.client)
    await session.client.query('SET synchronous_commit = off')
    this.#free.add(session.client)
  }

  async run(work: Work, rank: (client: pg.Client) => number = () => 0): Promise<void> {
    while (this.#free.size === 0 && this.#failure === null) await Promise.race(this.#running)
    if (this.#failure !== null) throw this.#failure
    const [client] = [...this.#free].toSorted((left, right) => rank(right) - rank(left))
    if (client === undefined) throw new Error('A loader was free and is gone')
    this.runIfFree(client, work)
  }

  runIfFree(client: pg.Client, work: Work): void {
    if (this.#failure !== null || !this.#free.delete(client)) return
    const running: Promise<void> = this.#work(client, work).finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async drain(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
    if (this.#failure !== null) throw this.#failure
  }

  async end(): Promise<void> {
    await Promise.all(this.#sessions.map(async ({ end }) => await end()))
    await Promise.all(this.#running)
  }

  /** Never rejects: the failure is thrown at the caller's next step. */
  async #work(client: pg.Client, work: Work): Promise<void> {
    try {
      await work(client)
      this.#free.add(client)
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #fail(error: Error): void {
    if (this.#failure !== null) return
    this.#failure = error
    this.#life.lost(error)
  }
}
