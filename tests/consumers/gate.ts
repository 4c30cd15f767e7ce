import pg from 'pg'
import { until } from './waiting-consumer.ts'
import type { TestService } from './with-service.ts'

/** A place where a consumer is held up for as long as a test wants it to be. */
export interface Gate {
  /** Returns when the consumer stands before it. */
  readonly reached: () => Promise<void>
  readonly open: () => Promise<void>
}

const PASS = 'PERFORM pg_catalog.pg_advisory_xact_lock_shared(1, 1)'
const IS_HELD_UP = `SELECT count(*) FROM pg_locks
  WHERE locktype = 'advisory' AND NOT granted AND objsubid = 2
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

/** The COPY of customers stops in front of one of them. The gate also opens when the server ends the test's session. */
export async function withGateInCopy(
  service: TestService,
  customer: number,
  use: (gate: Gate) => Promise<void>,
): Promise<void> {
  const { sql } = service
  await sql(
    `CREATE FUNCTION gate(id integer) RETURNS boolean LANGUAGE plpgsql AS
       'BEGIN IF id = ${customer} THEN ${PASS}; END IF; RETURN true; END'`,
    'ALTER TABLE "Customer" ADD CONSTRAINT gate CHECK (public.gate(id))',
  )
  await withGate(service, use)
  await sql('ALTER TABLE "Customer" DROP CONSTRAINT gate', 'DROP FUNCTION gate')
}

/** The building of an index of customers stops. The epoch must be ahead, so that the index is set aside by it. */
export async function withGateInIndex(service: TestService, use: (gate: Gate) => Promise<void>): Promise<void> {
  const { sql } = service
  await sql(
    `CREATE FUNCTION gate(name text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN ${PASS}; RETURN name; END'`,
    'CREATE INDEX gate ON "Customer" (public.gate(name))',
  )
  await withGate(service, use)
  await sql('DROP INDEX gate', 'DROP FUNCTION gate')
}

async function withGate({ database, sql }: TestService, use: (gate: Gate) => Promise<void>): Promise<void> {
  const holder = new pg.Client({ connectionString: database.url })
  holder.on('error', () => undefined)
  await holder.connect()
  try {
    await holder.query('SELECT pg_advisory_lock(1, 1)')
    await use({
      reached: async () => await until(async () => (await sql(IS_HELD_UP))[0] !== '0', 60_000),
      open: async () => await holder.end().catch(() => undefined),
    })
  } finally {
    await holder.end().catch(() => undefined)
  }
}
