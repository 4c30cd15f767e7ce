import * as assert from 'uvu/assert'
import { writeSmallSnapshot } from './complete-snapshot.ts'
import type { TestService } from './with-service.ts'

/** The service's tables as its own migrations might have made them, with nothing that the contract names. */
const TABLES = [
  'CREATE TABLE "Customer" (note text, id integer NOT NULL, name text NOT NULL, own text DEFAULT \'own\')',
  'CREATE TABLE "Order" (id bigint NOT NULL, "customerId" integer NOT NULL, amount numeric(10,2), previous bigint)',
  'CREATE TABLE "_Tags" ("A" integer NOT NULL, "B" text NOT NULL)',
  `CREATE TABLE "Account" (id integer NOT NULL, token text NOT NULL, kind text NOT NULL DEFAULT 'plain')`,
  'CREATE TABLE region (id integer PRIMARY KEY)',
]

const KEYS = [
  'ALTER TABLE "Customer" ADD CONSTRAINT customer_primary PRIMARY KEY (id) WITH (fillfactor = 80)',
  'CREATE UNIQUE INDEX "customer Name ""unique""" ON "Customer" (name) INCLUDE (note) WITH (fillfactor = 70)',
  'ALTER TABLE "Order" ADD CONSTRAINT order_primary PRIMARY KEY (id)',
  'CREATE INDEX order_customer ON "Order" ("customerId")',
  'CREATE UNIQUE INDEX tags_unique ON "_Tags" ("B" DESC, "A")',
  'ALTER TABLE "Account" ADD PRIMARY KEY (id)',
]

const FOREIGN_KEYS = [
  `ALTER TABLE "Order" ADD CONSTRAINT order_of FOREIGN KEY ("customerId") REFERENCES "Customer" ON UPDATE CASCADE
     ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED`,
  `ALTER TABLE "Order" ADD CONSTRAINT order_before FOREIGN KEY (previous) REFERENCES "Order" ON UPDATE CASCADE
     ON DELETE SET NULL NOT VALID`,
]

/** A trigger's function that fails. */
export const MUST_NOT_RUN = `CREATE FUNCTION must_not_run() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN RAISE EXCEPTION ''trigger % ran'', TG_NAME; END'`

/** Makes the tables, with their keys and foreign keys, and whatever else a test wants. */
export async function accept({ sql }: TestService, ...statements: readonly string[]): Promise<void> {
  await sql(...TABLES, ...KEYS, ...FOREIGN_KEYS, ...statements)
}

/** Loads two epochs, so that what was put back once is set aside again. */
export async function loadTwice({ log, consume }: TestService): Promise<void> {
  await writeSmallSnapshot(log, 1)
  await consume()
  await writeSmallSnapshot(log, 2)
  assert.is((await consume()).loadedRows, 20)
}
