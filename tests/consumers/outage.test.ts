import { NatsError } from 'nats'
import pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { operatorFailure } from '../../consumers/driver-failure.ts'
import { Failure } from '../../contracts/failure.ts'
import { withEmbeddedNats } from '../../infra/embedded/nats-server.ts'
import { withDatabase } from '../with-servers.ts'
import { announceAll, Customer, customers } from './complete-snapshot.ts'
import { SESSIONS, until } from './waiting-consumer.ts'
import { failureOf, withSalesAt } from './with-service.ts'

const PLACES = {
  nats: { url: 'nats://me:hunter2@broker:4222', credentialsFile: null, caFile: null },
  database: 'the database of service sales',
}

function databaseError(code: string, message: string): pg.DatabaseError {
  const error = new pg.DatabaseError(message, 0, 'error')
  error.code = code
  return error
}

const CASES: readonly (readonly [name: string, error: Error, exitCode: number, sentence: RegExp])[] = [
  ['a missing right', databaseError('42501', 'permission denied for table x'), 4, /use a role that owns the service/],
  ['a standby', databaseError('25006', 'cannot execute in a read-only transaction'), 4, /give the URL of its primary/],
  [
    'a limit',
    databaseError('53400', 'temporary file size exceeds temp_file_limit'),
    1,
    /make room for it, then run con/,
  ],
  ['a deadlock', databaseError('40P01', 'deadlock detected'), 1, /another session was in the way, and let go/],
  ['a missing table', databaseError('42P01', 'relation "x" does not exist'), 4, /compare it with the contract/],
  ['any other refusal', databaseError('XX000', 'cache lookup failed'), 1, /SQLSTATE XX000\): put that right/],
  ['a broker that is away', NatsError.errorForCode('TIMEOUT'), 5, /^NATS at broker:4222 \(NATS_URL\) did not answer/],
  ['a broker that refuses', NatsError.errorForCode('PERMISSIONS_VIOLATION'), 4, /^NATS at broker:4222 .* run consume/],
]

for (const [name, error, exitCode, sentence] of CASES)
  test(`${name} is told to the operator, and how to go on`, () => {
    const failure = operatorFailure(error, PLACES)
    assert.instance(failure, Failure)
    if (!(failure instanceof Failure)) return
    assert.is(failure.exitCode, exitCode)
    assert.match(failure.message, sentence)
    assert.match(failure.message, /run consume again/)
    assert.not.match(failure.message, /hunter2/)
    assert.is(failure.cause, error)
  })

test('a defect of ours stays what it is', () => {
  const error = new TypeError('x is not a function')
  assert.is(operatorFailure(error, PLACES), error)
})

test('a broker that goes away is waited for, which is said, and then given up', async () => {
  await withDatabase(async (url) => {
    await withEmbeddedNats({ syncAlways: false }, async (broker) => {
      await withSalesAt(url, broker.url, 'outage', async ({ log, consume, events, sql }) => {
        await log.begin()
        await announceAll(log)
        await log.page(Customer, customers(1, 5))
        const consuming = consume({ maxWaitMs: 3_000 })
        consuming.catch(() => undefined)
        await until(async () => (await sql('SELECT count(*) FROM scission.ledger'))[0] === '1')
        await broker.stop()
        const startedAt = Date.now()
        const { exitCode, message } = await failureOf(consuming)
        assert.is(exitCode, 5)
        assert.match(message, /^NATS .*not answer/)
        assert.ok(Date.now() - startedAt < 8_000, 'It took long')
        assert.ok(events.some((event) => event.type === 'notice' && /waiting for it/.test(event.text)))
        await until(async () => (await sql(SESSIONS)).length === 0, 2_000)
      })
    })
  })
})

test.run()
