import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { streamName } from '../../contracts/subjects.ts'
import { connectNats } from '../../infra/nats/connect.ts'
import { publicationName } from '../../infra/prepare/names.ts'
import { publishSnapshot } from '../../publisher/publish-snapshot.ts'
import { removeMessage, slotOf } from './bank-checks.ts'
import { prepareMonolith, untilTrue, withBank } from './with-bank.ts'
import { failureOf, inTime } from './with-log.ts'

test('a monolith that was not prepared is not published with a slot', () =>
  withBank({ withSlot: false }, async (bank) => {
    const failure = await failureOf(bank.publish())
    assert.is(failure.exitCode, 4)
    assert.is(failure.message, 'The monolith is not prepared for a slot: run prepare first, or publish with --no-slot.')
    assert.is(await slotOf(bank), undefined)
  }))

test('a publication that lacks a table is made whole by prepare before anything is published', () =>
  withBank({}, async (bank) => {
    await bank.client.query(`ALTER PUBLICATION ${publicationName(bank.dependencies.prefix)} DROP TABLE "Coin"`)
    assert.match((await failureOf(bank.publish())).message, 'not prepared for a slot')
    await prepareMonolith(bank.dependencies)
    assert.is((await bank.publish()).outcome, 'closed')
  }))

test('a monolith that does not fit its contracts is not published', () =>
  withBank({}, async (bank) => {
    await bank.client.query('CREATE TABLE "Strange" (id text)')
    assert.match(
      (await failureOf(bank.publish())).message,
      'The monolith cannot be published: Table public."Strange" is in no',
    )
    await bank.client.query('DROP TABLE "Strange"')
    await bank.client.query('ALTER TABLE "Coin" ALTER picture TYPE text USING NULL')
    assert.match((await failureOf(bank.publish())).message, 'Column picture of table public."Coin" is of type text')
    assert.is(await slotOf(bank), undefined)
  }))

test('a role that row-level security hides rows from does not publish what it sees', () =>
  withBank({ withSlot: false }, async (bank) => {
    const role = `teller_${bank.dependencies.prefix}`
    await bank.client.query(
      `CREATE ROLE ${role} LOGIN PASSWORD 'open'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role};
       ALTER TABLE "Purse" ENABLE ROW LEVEL SECURITY; CREATE POLICY first ON "Purse" USING (id = '1')`,
    )
    try {
      const url = Object.assign(new URL(bank.url), { username: role, password: 'open' }).href
      const monolith = { ...bank.dependencies.monolith, url }
      const options = {
        withSlot: false,
        newEpoch: false,
        withoutKeeper: true,
        readers: 1,
        pageBytes: 8_192,
        maxOutageMs: 5_000,
      }
      const signal = new AbortController().signal
      const publishing = publishSnapshot({ ...bank.dependencies, monolith }, { ...options, signal }, () => undefined)
      const failure = await failureOf(publishing)
      assert.match(failure.message, 'Row-level security of table public."Purse" hides rows from role')
    } finally {
      await bank.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
    }
  }))

test('a stream whose last message is a stranger is not written to', () =>
  withBank({}, async (bank) => {
    const { nats, prefix } = bank.dependencies
    const connection = await connectNats(nats, 'test')
    try {
      await connection.jetstream().publish(`${prefix}.wallet.snapshot.Purse`, 'hello')
    } finally {
      await connection.close()
    }
    const failure = await failureOf(bank.publish())
    assert.match(
      failure.message,
      `The last message of stream ${streamName(prefix, 'wallet')} was not written by Scission`,
    )
    assert.is(await slotOf(bank), undefined)
  }))

test('a stream without its last message is not written to', () =>
  withBank({ removable: true }, async (bank) => {
    await bank.publish()
    const { controls, pages } = await bank.read('vault')
    const last = controls.length + pages.length
    await removeMessage(bank, 'vault', last)
    const failure = await failureOf(bank.publish())
    assert.is(failure.exitCode, 4)
    assert.match(
      failure.message,
      `The stream of service vault does not hold its last message (${last}): messages were removed from the log, which must stay whole: begin anew with --new-epoch.`,
    )
    assert.is((await bank.publish({ newEpoch: true })).epoch, 2)
  }))

test('a second publisher is refused, and told who is at work', () =>
  withBank({}, async (bank) => {
    await bank.client.query('BEGIN; LOCK TABLE "Purse" IN ACCESS EXCLUSIVE MODE')
    const first = bank.publish()
    await untilTrue(
      bank.client,
      `EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`,
    )
    const failure = await failureOf(inTime(10_000, bank.publish()))
    assert.is(failure.exitCode, 4)
    assert.match(
      failure.message,
      new RegExp(
        `^Another publisher of ${bank.dependencies.prefix} is running \\(scission publish \\(.* ${process.pid}\\), PostgreSQL process \\d+, since .* UTC\\)`,
      ),
    )
    await bank.client.query('COMMIT')
    assert.is((await first).outcome, 'closed')
  }))

test.run()
