import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { CATALOG_TEXT } from './catalog-text.ts'
import { writeSmallSnapshot } from './complete-snapshot.ts'
import { accept, loadTwice, MUST_NOT_RUN } from './existing-tables.ts'
import { failureOf, withSalesOfOwner } from './with-service.ts'

const TRIGGER = 'CREATE TRIGGER "Own" BEFORE INSERT ON "Customer" FOR EACH ROW EXECUTE FUNCTION must_not_run()'

test('a role that owns the database and is nothing more loads what was prepared', async () => {
  await withSalesOfOwner(async (service) => {
    await loadTwice(service)
    const [count] = await service.sql(`SELECT count(*) FROM pg_constraint WHERE contype = 'f'`)
    assert.is(count, '2')
  })
})

test('such a role loads tables of the service’s own migrations, and leaves them as they were', async () => {
  await withSalesOfOwner(async (service) => {
    await accept(service, 'CREATE INDEX own ON "Customer" (lower(name))', `COMMENT ON INDEX own IS 'ours'`)
    const before = await service.sql(CATALOG_TEXT)
    await loadTwice(service)
    assert.equal(await service.sql(CATALOG_TEXT), before)
  }, 'none')
})

test('where it may not pass over triggers, a table that has some is refused before anything is loaded', async () => {
  await withSalesOfOwner(async (service) => {
    await accept(service, MUST_NOT_RUN, TRIGGER)
    const before = await service.sql(CATALOG_TEXT)
    await writeSmallSnapshot(service.log)
    const { message, exitCode } = await failureOf(service.consume())
    assert.is(exitCode, 4)
    assert.match(message, /trigger "Own" of table public\."Customer" would run on every row that is loaded: disable it/)
    assert.match(message, /GRANT SET ON PARAMETER session_replication_role/)
    assert.equal(await service.sql(CATALOG_TEXT), before)
    assert.equal(await service.sql('SELECT epoch FROM scission.checkpoint'), ['0'])
    await service.sql('ALTER TABLE "Customer" DISABLE TRIGGER "Own"')
    assert.is((await service.consume()).loadedRows, 20)
  }, 'none')
})

test('a role that was granted it passes over triggers', async () => {
  await withSalesOfOwner(async (service, superuser) => {
    const [version] = await superuser('SHOW server_version_num')
    if (Number(version) < 150_000) return
    const [role] = await service.sql('SELECT current_user')
    await superuser(`GRANT SET ON PARAMETER session_replication_role TO ${role}`)
    try {
      await accept(service, MUST_NOT_RUN, TRIGGER)
      await loadTwice(service)
    } finally {
      await superuser(`REVOKE SET ON PARAMETER session_replication_role FROM ${role}`)
    }
  }, 'none')
})

test('a role that does not own the tables is refused with a sentence', async () => {
  await withSalesOfOwner(async (service, superuser) => {
    await superuser('ALTER TABLE "Customer" ADD PRIMARY KEY (id)', 'ALTER TABLE "Customer" OWNER TO postgres')
    await writeSmallSnapshot(service.log)
    const { message, exitCode } = await failureOf(service.consume())
    assert.is(exitCode, 4)
    assert.match(
      message,
      /^The database of service sales refused a statement \(permission denied for table Customer.*42501\): use a role that owns/,
    )
  })
})

test('a database whose defaults would hinder the loading is loaded all the same', async () => {
  await withSalesOfOwner(async (service) => {
    const [name] = await service.sql('SELECT quote_ident(current_database())')
    await writeSmallSnapshot(service.log)
    const settings = [
      'default_transaction_read_only = on',
      `default_transaction_isolation = 'serializable'`,
      'default_transaction_deferrable = on',
      `lock_timeout = '1ms'`,
      `statement_timeout = '1ms'`,
      `idle_in_transaction_session_timeout = '1ms'`,
      'synchronous_commit = off',
      `search_path = 'nowhere'`,
      `DateStyle = 'SQL, DMY'`,
    ]
    await service.sql(...settings.map((setting) => `ALTER DATABASE ${name} SET ${setting}`))
    assert.is((await service.consume()).loadedRows, 20)
  })
})

test.run()
