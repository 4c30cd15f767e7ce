import { randomBytes } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { CATALOG_TEXT } from './catalog-text.ts'
import { writeSmallSnapshot } from './complete-snapshot.ts'
import { accept, loadTwice, MUST_NOT_RUN } from './existing-tables.ts'
import { failureOf, type TestService, withSales } from './with-service.ts'

const HARMLESS_OBJECTS = [
  'CREATE INDEX customer_expression ON "Customer" (lower(name) text_pattern_ops DESC NULLS LAST, (id % 7)) WHERE note IS NULL',
  'ALTER INDEX customer_expression ALTER COLUMN 1 SET STATISTICS 500',
  'ALTER INDEX customer_expression ALTER COLUMN 2 SET STATISTICS 0',
  'CREATE INDEX customer_hash ON "Customer" USING hash (note)',
  'CREATE INDEX customer_brin ON "Customer" USING brin (id) WITH (pages_per_range = 4)',
  `CREATE INDEX customer_words ON "Customer" USING gin (to_tsvector('simple', name)) WITH (fastupdate = off)`,
  'CREATE INDEX order_point ON "Order" USING gist (point(id, "customerId")) WITH (buffering = on)',
  'CREATE INDEX customer_collated ON "Customer" (name COLLATE "POSIX")',
  'ALTER TABLE "Customer" ADD CONSTRAINT customer_deferred UNIQUE (note, id) DEFERRABLE INITIALLY DEFERRED',
  'ALTER TABLE "Customer" ADD CONSTRAINT customer_immediate UNIQUE (name, id) INCLUDE (note) DEFERRABLE',
  'ALTER TABLE "Customer" ADD CONSTRAINT customer_plain UNIQUE (id, name) WITH (fillfactor = 60)',
  `ALTER TABLE "Order" ADD CONSTRAINT order_apart EXCLUDE USING gist (int8range(id, id + 1) WITH &&, point(id, id) WITH ~=)
     INCLUDE (amount) WITH (fillfactor = 55) WHERE (id > 0) DEFERRABLE INITIALLY DEFERRED`,
  'ALTER TABLE "Account" ADD CONSTRAINT account_region FOREIGN KEY (id) REFERENCES region MATCH FULL ON DELETE CASCADE',
  'ALTER TABLE "Customer" CLUSTER ON customer_plain',
  'ALTER TABLE "Customer" REPLICA IDENTITY USING INDEX "customer Name ""unique"""',
  'ALTER TABLE "Order" REPLICA IDENTITY USING INDEX order_primary',
  'ALTER TABLE "Order" CLUSTER ON order_point',
  `COMMENT ON INDEX customer_expression IS 'it''s \\ a "comment" é 😀'`,
  `COMMENT ON INDEX customer_primary IS 'the key''s index'`,
  `COMMENT ON CONSTRAINT customer_primary ON "Customer" IS 'the key'`,
  `COMMENT ON CONSTRAINT order_apart ON "Order" IS 'apart'`,
  `COMMENT ON CONSTRAINT order_of ON "Order" IS 'the customer'`,
  `COMMENT ON TABLE "Order" IS 'orders'`,
  'CREATE STATISTICS customer_statistics ON id, name FROM "Customer"',
  'ALTER TABLE "Customer" ALTER name SET STATISTICS 77',
  'ALTER TABLE "Customer" SET (autovacuum_enabled = off)',
  'CREATE VIEW customers AS SELECT name, count(*) FROM "Customer" GROUP BY name',
  'CREATE MATERIALIZED VIEW orders AS SELECT * FROM "Order"',
  'CREATE UNIQUE INDEX orders_id ON orders (id)',
  'GRANT SELECT (name), UPDATE ON "Customer" TO PUBLIC',
  'CREATE RULE customer_rule AS ON UPDATE TO "Customer" DO ALSO NOTIFY customers',
  'ALTER TABLE "Account" ENABLE ROW LEVEL SECURITY',
  // PostgreSQL 14 knows neither lists of columns nor conditions.
  `DO $$ BEGIN
     IF current_setting('server_version_num')::int >= 150000 THEN
       EXECUTE 'CREATE PUBLICATION own FOR TABLE "Customer" (id, name) WHERE (id > 0), TABLE "Order"';
     ELSE
       CREATE PUBLICATION own FOR TABLE "Customer", "Order";
     END IF;
   END $$`,
  `CREATE POLICY account_policy ON "Account" USING (kind = 'plain')`,
]

function setAsideNames({ events }: TestService): Set<string> {
  return new Set(events.flatMap((event) => (event.type === 'object-built' ? [event.name] : [])))
}

test('tables of the service’s own migrations are exactly as they were, to the comment, after they were loaded', async () => {
  await withSales(async (service) => {
    await accept(service, ...HARMLESS_OBJECTS)
    const before = await service.sql(CATALOG_TEXT)
    await loadTwice(service)
    assert.equal(await service.sql(CATALOG_TEXT), before)
    assert.equal(await service.sql('SELECT count(*), count(own) FROM "Customer"'), ['10|10'])
    const built = setAsideNames(service)
    for (const name of [
      'customer_primary',
      'customer_brin',
      'customer_deferred',
      'order_apart',
      'order_of',
      'account_region',
    ])
      assert.ok(built.has(name), name)
  }, 'none')
})

test('triggers of the service’s own do not run where the role may pass over them', async () => {
  await withSales(async (service) => {
    await accept(
      service,
      MUST_NOT_RUN,
      'CREATE TRIGGER a BEFORE INSERT ON "Customer" FOR EACH ROW EXECUTE FUNCTION must_not_run()',
      'CREATE CONSTRAINT TRIGGER b AFTER INSERT ON "Order" DEFERRABLE FOR EACH ROW EXECUTE FUNCTION must_not_run()',
      'CREATE TRIGGER c BEFORE TRUNCATE ON "Customer" EXECUTE FUNCTION must_not_run()',
      'CREATE TRIGGER d AFTER INSERT ON "Customer" EXECUTE FUNCTION must_not_run()',
      'ALTER TABLE "Customer" DISABLE TRIGGER d',
    )
    const before = await service.sql(CATALOG_TEXT)
    await loadTwice(service)
    assert.equal(await service.sql(CATALOG_TEXT), before)
  }, 'none')
})

test('a trigger that would run all the same is refused before anything is loaded', async () => {
  await withSales(async (service) => {
    await accept(
      service,
      MUST_NOT_RUN,
      'CREATE TRIGGER "Always" AFTER INSERT ON "Customer" EXECUTE FUNCTION must_not_run()',
      'ALTER TABLE "Customer" ENABLE ALWAYS TRIGGER "Always"',
    )
    const before = await service.sql(CATALOG_TEXT)
    await writeSmallSnapshot(service.log)
    const { message, exitCode } = await failureOf(service.consume())
    assert.is(exitCode, 4)
    assert.match(
      message,
      /trigger "Always" of table public\."Customer" would run on every row that is loaded: disable it/,
    )
    assert.equal(await service.sql(CATALOG_TEXT), before)
    assert.equal(await service.sql('SELECT phase, epoch FROM scission.checkpoint'), ['waiting|0'])
  }, 'none')
})

test('what objects outside the contract rest on stays in place, and all of them are as they were', async () => {
  await withSales(async (service) => {
    await accept(
      service,
      'CREATE VIEW by_customer AS SELECT c.*, count(*) AS orders FROM "Customer" c GROUP BY c.id',
      'CREATE MATERIALIZED VIEW by_account AS SELECT a.*, count(*) FROM "Account" a GROUP BY a.id',
      `CREATE FUNCTION by_order() RETURNS bigint LANGUAGE sql
         BEGIN ATOMIC SELECT max(o.amount)::bigint + o."customerId" FROM "Order" o GROUP BY o.id; END`,
      'CREATE INDEX other_index ON "Account" (token)',
    )
    const before = await service.sql(CATALOG_TEXT)
    await loadTwice(service)
    assert.equal(await service.sql(CATALOG_TEXT), before)
    const built = setAsideNames(service)
    for (const name of ['customer_primary', 'Account_pkey', 'order_primary']) assert.not(built.has(name), name)
    assert.ok(built.has('other_index'))
  }, 'none')
})

test('a policy that groups by a key keeps it in place', async () => {
  await withSales(async (service) => {
    await accept(
      service,
      'CREATE POLICY p ON region USING (id IN (SELECT c.id + length(c.name) FROM "Customer" c GROUP BY c.id))',
    )
    const before = await service.sql(CATALOG_TEXT)
    await loadTwice(service)
    assert.equal(await service.sql(CATALOG_TEXT), before)
  }, 'none')
})

const INVOICES = [
  'CREATE TABLE invoice (id integer PRIMARY KEY, "order" bigint REFERENCES "Order")',
  'CREATE TABLE reminder (id integer, customer text REFERENCES "Customer" (name))',
]

test('a table outside the contract that refers to one of it lets it be loaded for the first time', async () => {
  await withSales(async (service) => {
    await accept(service, ...INVOICES)
    const before = await service.sql(CATALOG_TEXT)
    await writeSmallSnapshot(service.log)
    await service.consume()
    assert.equal(await service.sql(CATALOG_TEXT), before)
    await service.sql('INSERT INTO invoice VALUES (1, 7)')
  }, 'none')
})

test('a reload that would have to empty what others refer to is refused, and nothing is changed', async () => {
  await withSales(async (service) => {
    await accept(service, ...INVOICES)
    await writeSmallSnapshot(service.log, 1)
    await service.consume()
    await service.sql('INSERT INTO invoice VALUES (1, 7)')
    const before = await service.sql(CATALOG_TEXT)
    await writeSmallSnapshot(service.log, 2)
    const { message, exitCode } = await failureOf(service.consume())
    assert.is(exitCode, 4)
    assert.match(
      message,
      /table public\."Customer" must be emptied to be loaded anew, and the foreign key "reminder_customer_fkey" of table public\.reminder/,
    )
    assert.equal(await service.sql(CATALOG_TEXT), before)
    assert.equal(await service.sql('SELECT phase, epoch FROM scission.checkpoint'), ['following|1'])
    await service.sql(
      'ALTER TABLE reminder DROP CONSTRAINT reminder_customer_fkey',
      'ALTER TABLE invoice DROP CONSTRAINT invoice_order_fkey',
    )
    assert.is((await service.consume()).epoch, 2)
  }, 'none')
})

test('a foreign key whose triggers were disabled, and an invalid index, stay as they are', async () => {
  await withSales(async (service) => {
    await accept(service, 'ALTER TABLE "Order" DISABLE TRIGGER ALL', 'CREATE INDEX broken ON "Account" (token)')
    await service.sql(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass`)
    const before = await service.sql(CATALOG_TEXT)
    await writeSmallSnapshot(service.log)
    await service.consume()
    assert.equal(await service.sql(CATALOG_TEXT), before)
  }, 'none')
})

test('indexes come back into their tablespaces, whatever the default is', async () => {
  await withSales(async (service) => {
    const { sql } = service
    const space = `test_${randomBytes(6).toString('hex')}`
    await sql('SET allow_in_place_tablespaces = on', `CREATE TABLESPACE ${space} LOCATION ''`)
    try {
      await accept(
        service,
        `CREATE INDEX in_space ON "Customer" (note) TABLESPACE ${space}`,
        `ALTER TABLE "Customer" ADD CONSTRAINT unique_in_space UNIQUE (note, id, name) USING INDEX TABLESPACE ${space}`,
        `ALTER TABLE "Order" ADD CONSTRAINT apart_in_space EXCLUDE USING gist (point(id, id) WITH ~=) USING INDEX TABLESPACE ${space}`,
      )
      const [name] = await sql('SELECT quote_ident(current_database())')
      await sql(`ALTER DATABASE ${name} SET default_tablespace = ${space}`)
      const before = await sql(CATALOG_TEXT)
      await loadTwice(service)
      assert.equal(await sql(CATALOG_TEXT), before)
      await sql(`ALTER DATABASE ${name} RESET default_tablespace`, 'DROP TABLE "Customer", "Order" CASCADE')
    } finally {
      await sql(`DROP TABLESPACE ${space}`)
    }
  }, 'none')
})

test('unique constraints that take nulls for equal come back as such', async () => {
  await withSales(async (service) => {
    const [version] = await service.sql('SHOW server_version_num')
    if (Number(version) < 150_000) return
    await accept(service, 'ALTER TABLE "Customer" ADD CONSTRAINT one_null UNIQUE NULLS NOT DISTINCT (id, note)')
    const before = await service.sql(CATALOG_TEXT)
    await loadTwice(service)
    assert.equal(await service.sql(CATALOG_TEXT), before)
  }, 'none')
})

test('an object whose name was taken in the meantime is refused by name', async () => {
  await withSales(async (service) => {
    const { log, consume, sql } = service
    await accept(service)
    await writeSmallSnapshot(log)
    await consume()
    await log.begin(2, { startedAt: '2024-01-02T00:00:00.000Z' })
    assert.match((await failureOf(consume({ maxWaitMs: 0 }))).message, /no closed snapshot/)
    await sql('CREATE TABLE order_customer ()')
    log.number = 1
    await log.remove()
    await log.create()
    await writeSmallSnapshot(log, 3)
    const { message, exitCode } = await failureOf(consume())
    assert.is(exitCode, 4)
    assert.match(
      message,
      /the index "order_customer" of Order cannot be built \(relation "order_customer" already exists\)/,
    )
    await sql('DROP TABLE order_customer')
    await consume()
  }, 'none')
})

test.run()
