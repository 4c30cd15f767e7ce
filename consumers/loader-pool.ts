import type pg from 'pg'
import { openSession, type PostgresTarget } from '../infra/postgres/session.ts'

/** Several sessions that work on batches; a batch is handed over when a session is free. */
export interface LoaderPool {
  /** Waits for a free session, and hands the work to it. Throws what an earlier piece of work threw. */
  run(work: (client: pg.Client) => Promise<void>): Promise<void>
  /** Waits until nothing is under way. Throws what a piece of work threw. */
  drain(): Promise<void>
  end(): Promise<void>
}

/**
 * Opens the sessions. They commit asynchronously: rows and ledger are lost together or not at all, and whatever a crash
 * of the service's server takes is loaded again, because the later commits that say so are taken by it too.
 * Manual: "Asynchronous Commit".
 */
export async function openLoaders(database: PostgresTarget, service: string, loaders: number): Promise<LoaderPool> {
  const clients = await Promise.all(
    Array.from({ length: loaders }, async (_, index) => {
      const client = await openSession(database, { purpose: `consume ${service} loader ${index + 1}` })
      await client.query('SET synchronous_commit = off')
      await trySkippingTriggers(client)
      return client
    }),
  )
  return new Loaders(clients)
}

/**
 * A service's own triggers must not run on rows that come from the monolith, where they have run already. The setting
 * may be granted from PostgreSQL 15 on; `prepare` refuses tables with triggers where it is not.
 */
async function trySkippingTriggers(client: pg.Client): Promise<void> {
  await client.query("SET session_replication_role = 'replica'").catch(() => undefined)
}

class Loaders implements LoaderPool {
  readonly #clients: readonly pg.Client[]
  readonly #free: pg.Client[]
  readonly #running = new Set<Promise<void>>()
  #failure: Error | null = null

  constructor(clients: readonly pg.Client[]) {
    this.#clients = clients
    this.#free = [...clients]
  }

  async run(work: (client: pg.Client) => Promise<void>): Promise<void> {
    while (this.#free.length === 0 && this.#failure === null) await Promise.race(this.#running)
    if (this.#failure !== null) throw this.#failure
    const client = this.#free.pop()
    if (client === undefined) throw new Error('A loader was free and is gone')
    const running: Promise<void> = this.#work(client, work).finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async drain(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
    if (this.#failure !== null) throw this.#failure
  }

  async end(): Promise<void> {
    await Promise.allSettled(this.#clients.map(async (client) => await client.end()))
  }

  /** Never rejects: the failure is thrown at the caller's next step. */
  async #work(client: pg.Client, work: (client: pg.Client) => Promise<void>): Promise<void> {
    try {
      await work(client)
      this.#free.push(client)
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(String(error))
    }
  }
}
