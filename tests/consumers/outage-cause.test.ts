import pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  isRestarting,
  NoAnswer,
  outageCause,
  outageFailure,
  outageNotice,
  Unreachable,
} from '../../consumers/database-outage.ts'
import { OutagePatience, pauseMs } from '../../consumers/outage-patience.ts'
import { Failure } from '../../contracts/failure.ts'
import { failureOf } from './with-service.ts'

const DATABASE = 'the database of service sales'
const MINUTE_MS = 60_000

function databaseError(code: string, message: string): pg.DatabaseError {
  const error = new pg.DatabaseError(message, 0, 'error')
  error.code = code
  return error
}

function systemError(code: string): Error {
  return Object.assign(new Error(`read ${code}`), { code })
}

const refused = new Failure(4, 'refuses connections', { cause: systemError('ECONNREFUSED') })

const CASES: readonly (readonly [name: string, error: unknown, cause: ReturnType<typeof outageCause>])[] = [
  ['a session that was ended', databaseError('57P01', 'terminating connection'), 'away'],
  ['a server that crashed', databaseError('57P02', 'terminating connection because of crash'), 'away'],
  ['a server that shuts down', databaseError('57P03', 'the system is shutting down'), 'away'],
  ['a broken link', databaseError('08006', 'connection failure'), 'away'],
  ['a server without a free connection', databaseError('53300', 'too many clients'), 'away'],
  ['a broken connection', new Error('Connection terminated unexpectedly'), 'away'],
  ['a reset', systemError('ECONNRESET'), 'away'],
  ['silence', new NoAnswer('no answer for 30 s'), 'away'],
  ['a server that cannot be reached', new Unreachable(refused), 'away'],
  ['a full disk', databaseError('53100', 'could not extend file: No space left'), 'full'],
  ['a server without memory', databaseError('53200', 'out of memory'), 'out of memory'],
  ['a standby', databaseError('25006', 'cannot execute in a read-only transaction'), 'read-only'],
  ['a statement that was cancelled', databaseError('57014', 'canceling statement due to user request'), 'interrupting'],
  ['a deadlock', databaseError('40P01', 'deadlock detected'), 'interrupting'],
  ['a time-out for locks', databaseError('55P03', 'canceling statement due to lock timeout'), 'interrupting'],
  ['a wrong password', new Failure(4, 'refuses', { cause: databaseError('28P01', 'password') }), null],
  ['a missing right', databaseError('42501', 'permission denied for table x'), null],
  ['a row that is refused', databaseError('23514', 'violates check constraint'), null],
  ['a database that was dropped', databaseError('57P04', 'database was dropped'), null],
  ['a protocol that is not spoken', databaseError('08P01', 'invalid message'), null],
  ['a broker that is away', new Failure(4, 'NATS', { cause: systemError('ECONNREFUSED') }), null],
  ['a defect of ours', new TypeError('x is not a function'), null],
]

for (const [name, error, cause] of CASES)
  test(`${name} ${cause === null ? 'is not waited for' : `means that the database is ${cause}`}`, () => {
    assert.is(outageCause(error), cause)
  })

test('a server that says itself that it begins or ends is known to be there', () => {
  const starting = new Failure(4, 'cannot be reached', { cause: databaseError('57P03', 'starting up') })
  assert.ok(isRestarting(new Unreachable(starting)))
  assert.not(isRestarting(new Unreachable(refused)))
})

test('each outage has its own sentence, and is given up with 5 and a way on', () => {
  for (const [cause, notice, failure] of [
    [
      'away',
      /^The database of service sales is away \(x\): waiting for it, up to 15 min\.$/,
      /see that its server runs/,
    ],
    [
      'full',
      /^The disk of the database of service sales is full \(x\): make room; waiting .* 15 min\.$/,
      /make room, then/,
    ],
    ['out of memory', /^The server of the database of service sales is out of memory \(x\)/, /give it more, then/],
    [
      'read-only',
      /^The database of service sales takes no writes \(x\): waiting until it does, up to 15 min\.$/,
      /has taken no writes .*: promote it, or give the URL of its primary, then/,
    ],
    [
      'interrupting',
      /^A statement was broken off in the database of service sales \(x\): trying again, up to 15 min\.$/,
      /^Statements have been broken off .*: see who, or which time-out, breaks them off, then/,
    ],
  ] as const) {
    assert.match(outageNotice(DATABASE, cause, new Error('x'), 15 * MINUTE_MS), notice)
    const { exitCode, message } = outageFailure(DATABASE, cause, new Error('x'), 15 * MINUTE_MS)
    assert.is(exitCode, 5)
    assert.match(message, failure)
    assert.match(message, /for 15 min \(x\).* run consume again; it goes on from where it was\.$/)
  }
})

test('pauses grow, to a bound', () => {
  assert.equal([0, 1, 2, 3, 4, 50].map(pauseMs), [500, 1_000, 2_000, 4_000, 5_000, 5_000])
})

test('a database that goes away again and again, with nothing done in between, is given up', async () => {
  const notices: string[] = []
  const patience = new OutagePatience({
    database: DATABASE,
    maxOutageMs: 2_000,
    notice: (text) => notices.push(text),
    signal: new AbortController().signal,
  })
  await patience.pause('away', new Error('crashed'))
  patience.connected()
  await patience.pause('away', new Error('crashed'))
  patience.connected()
  const { exitCode, message } = await failureOf(
    (async () => {
      for (;;) await patience.pause('away', new Error('crashed'))
    })(),
  )
  assert.is(exitCode, 5)
  assert.match(message, /has been away for 2 s \(crashed\)/)
  assert.is(notices.length, 2, notices.join())
  patience.progressed()
  await patience.pause('away', new Error('once more'))
  assert.match(notices.at(-1) ?? '', /is away \(once more\)/)
})

test('a full disk is one outage, however long it takes to be found full again', async () => {
  const realNow = Date.now
  let ahead = 0
  Date.now = () => realNow() + ahead
  try {
    const notices: string[] = []
    const notice = (text: string): void => void notices.push(text)
    const limits = { database: DATABASE, maxOutageMs: 15 * MINUTE_MS, notice, signal: new AbortController().signal }
    const patience = new OutagePatience(limits)
    await patience.pause('full', new Error('no space'))
    patience.connected()
    ahead += 10 * MINUTE_MS
    await patience.pause('full', new Error('no space'))
    patience.connected()
    ahead += 10 * MINUTE_MS
    const { exitCode, message } = await failureOf(patience.pause('full', new Error('no space')))
    assert.is(exitCode, 5)
    assert.match(message, /^The disk of the database of service sales has been full for 15 min/)
    assert.is(notices.length, 1, notices.join())
  } finally {
    Date.now = realNow
  }
})

test.run()
