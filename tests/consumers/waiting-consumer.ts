import { setTimeout as sleep } from 'node:timers/promises'
import { announceAll, Customer, customers } from './complete-snapshot.ts'
import type { TestService } from './with-service.ts'

/** Scission's sessions in the service's database. */
export const SESSIONS = `SELECT application_name FROM pg_stat_activity
                          WHERE datname = current_database() AND application_name LIKE 'scission %' ORDER BY 1`

export async function until(condition: () => Promise<boolean>, limitMs = 5_000): Promise<void> {
  const deadline = Date.now() + limitMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('It did not come about')
    await sleep(20)
  }
}

/** Runs a consumer that is in the middle of a snapshot, waiting for more. */
export async function withWaitingConsumer(
  service: TestService,
  use: (consuming: Promise<unknown>, abort: AbortController) => Promise<void>,
): Promise<void> {
  const { log, consume, sql } = service
  await log.begin()
  await announceAll(log)
  await log.page(Customer, customers(1, 5))
  const abort = new AbortController()
  const consuming = consume({ signal: abort.signal })
  consuming.catch(() => undefined)
  await until(async () => (await sql('SELECT count(*) FROM scission.ledger'))[0] === '1')
  try {
    await use(consuming, abort)
  } finally {
    abort.abort()
    await consuming.catch(() => undefined)
  }
}
