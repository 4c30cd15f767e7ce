import { type ApiError, ErrorCode, NatsError } from 'nats'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Failure } from '../../contracts/failure.ts'
import { isOutage } from '../../infra/nats/outage.ts'
import { shortageFailure, shortageNotice, shortageOf } from '../../publisher/log-shortage.ts'
import { refusalOf } from '../../publisher/publish-refusal.ts'
import {
  assertDroppable,
  assertFollowable,
  assertNotReplaced,
  type SlotRecord,
  type SlotState,
} from '../../publisher/slot.ts'
import { judgeStreamEnd, type WriterView } from '../../publisher/stream-tail.ts'
import { blockerText } from '../../infra/postgres/waits.ts'

const SLOT: SlotState = {
  name: 'scission_shop',
  ours: true,
  activePid: null,
  activeApplication: null,
  walStatus: 'reserved',
  retainedBytes: 0,
  safeBytes: null,
}
const RECORD: SlotRecord = { log: 'this log', epoch: 1 }

function messageOf(action: () => void): string {
  try {
    action()
    return 'nothing is refused'
  } catch (error) {
    assert.instance(error, Failure)
    return (error as Failure).message
  }
}

function apiError(code: number, description: string, status = 400): NatsError {
  const error = new NatsError(description, String(status))
  error.api_error = { code: status, err_code: code, description } satisfies ApiError
  return error
}

test('a slot that was put on record for this log may be dropped', () => {
  assertDroppable(SLOT, RECORD, 'this log', false)
})

test('a slot of nobody, or of another log, may be dropped for a new epoch alone', () => {
  for (const record of [null, { ...RECORD, log: 'another log' }]) {
    assert.match(
      messageOf(() => assertDroppable(SLOT, record, 'this log', false)),
      'Slot scission_shop exists and this log does not know it',
    )
    assertDroppable(SLOT, record, 'this log', true)
  }
})

test('a slot that is in use, or of another database, is never dropped', () => {
  for (const newEpoch of [true, false]) {
    assert.match(
      messageOf(() => assertDroppable({ ...SLOT, activePid: '4711' }, RECORD, 'this log', newEpoch)),
      'Slot scission_shop is in use by PostgreSQL process 4711',
    )
    assert.match(
      messageOf(() => assertDroppable({ ...SLOT, ours: false }, RECORD, 'this log', newEpoch)),
      'Slot scission_shop exists and is of another database or another plugin',
    )
  }
})

test("a slot that is there, and is the epoch's, can be followed", () => {
  assertFollowable('scission_shop', SLOT, RECORD, 1)
  assertFollowable('scission_shop', SLOT, null, 1)
  assertFollowable('scission_shop', SLOT, RECORD, 2)
})

test("a slot that is gone, lost, another database's, or was replaced cannot be followed", () => {
  const follow = (slot: SlotState | null, record = RECORD): string =>
    messageOf(() => assertFollowable('scission_shop', slot, record, 1))
  assert.is(follow(null), 'Slot scission_shop is gone: begin anew with --new-epoch.')
  assert.match(follow({ ...SLOT, walStatus: 'lost' }), 'Slot scission_shop is lost')
  assert.match(follow({ ...SLOT, ours: false }), 'of another database or another plugin')
  assert.match(
    follow(SLOT, { ...RECORD, epoch: 2 }),
    'Slot scission_shop was replaced for epoch 2, which did not begin',
  )
  assertNotReplaced('scission_shop', { ...RECORD, epoch: 1 }, 1)
})

const VIEW: WriterView = {
  stream: 'SHOP_TILL',
  streamCreated: 'then',
  writerId: 'me',
  unconfirmed: [
    { sequence: 11, number: 1 },
    { sequence: 12, number: 2 },
  ],
  nextSequence: 13,
}

test('a stream may end anywhere from the last acknowledged message to the last that was sent', () => {
  for (const lastSequence of [10, 11, 12])
    assert.is(judgeStreamEnd(VIEW, { created: 'then', lastSequence }), null, String(lastSequence))
})

test('a stream that ends before, behind, or is another one is refused', () => {
  const said = (created: string, lastSequence: number): string =>
    judgeStreamEnd(VIEW, { created, lastSequence })?.message ?? 'nothing'
  assert.match(said('then', 9), 'Stream SHOP_TILL ends at message 9, but message 10 was acknowledged')
  assert.match(said('then', 13), 'Another publisher wrote message 13 of stream SHOP_TILL')
  assert.match(said('later', 11), 'Stream SHOP_TILL was made anew')
})

test('a stream with nothing unconfirmed must end where the writer does', () => {
  const idle = { ...VIEW, unconfirmed: [] }
  assert.is(judgeStreamEnd(idle, { created: 'then', lastSequence: 12 }), null)
  assert.ok(judgeStreamEnd(idle, { created: 'then', lastSequence: 11 }))
})

test('what an answer that did not come means is read from the stream', () => {
  for (const code of [ErrorCode.Timeout, ErrorCode.NoResponders, ErrorCode.Disconnect, ErrorCode.ConnectionClosed])
    assert.is(refusalOf('S', NatsError.errorForCode(code)), null, code)
  assert.is(refusalOf('S', new Error('The connection to NATS broke')), null)
})

test('what the fence says, and a server that is ending or busy, is read from the stream too', () => {
  for (const error of [
    apiError(10_070, 'wrong last msg ID: x'),
    apiError(10_071, 'wrong last sequence: 7'),
    apiError(10_164, 'wrong last sequence'),
    apiError(10_077, 'store is closed', 503),
    apiError(10_008, 'JetStream system temporarily unavailable', 503),
    apiError(10_076, 'JetStream not enabled', 503),
  ])
    assert.is(refusalOf('S', error), null, error.message)
})

test("limits, resources and a full disk are a log without room, with the limit's name and what makes room", () => {
  for (const [error, names, cure] of [
    [apiError(10_077, 'maximum bytes exceeded', 503), 'its own max_bytes', 'nats stream edit S --max-bytes=-1'],
    [apiError(10_077, 'maximum messages exceeded', 503), 'a limit of its own', 'nats stream edit S'],
    [apiError(10_077, 'write /js/1.blk: no space left on device', 503), "the broker's disk is full", 'free space'],
    [apiError(10_047, 'insufficient storage resources available', 500), 'the broker has', 'max_file_store'],
    [apiError(10_023, 'insufficient resources', 503), 'the broker has', 'max_file_store'],
    [apiError(10_002, 'resource limits exceeded for account', 400), 'its account', 'max_storage of the account'],
  ] as const) {
    const shortage = shortageOf('S', error)
    assert.ok(shortage, error.message)
    assert.match(shortage.problem, `Stream S takes no more messages (${error.message}): `)
    assert.match(shortage.problem, names)
    assert.match(shortage.cure, cure)
    assert.is(refusalOf('S', error), null, 'it is waited for')
    assert.match(shortageNotice(shortage, 900_000), 'Waiting for room, up to 900 s: ')
    assert.is(shortageFailure(shortage, 900_000, error).exitCode, 5)
  }
})

test("anything else is a refusal with the server's words, and no want of room", () => {
  for (const [error, says] of [
    [apiError(10_109, 'invalid operation on sealed stream'), 'sealed stream'],
    [apiError(10_060, 'expected stream does not match'), 'another stream'],
  ] as const) {
    assert.match(refusalOf('S', error)?.message ?? '', says)
    assert.is(shortageOf('S', error), null)
  }
  for (const error of [
    apiError(10_077, 'store is closed', 503),
    apiError(10_071, 'wrong last sequence: 7'),
    new Error('x'),
  ])
    assert.is(shortageOf('S', error), null)
})

test('a client that must not write, or not so much, is refused', () => {
  assert.match(refusalOf('S', NatsError.errorForCode(ErrorCode.MaxPayloadExceeded))?.message ?? '', 'max_payload')
  const denied = new NatsError('Permissions Violation for Publish to "x"', ErrorCode.PermissionsViolation)
  assert.match(refusalOf('S', denied)?.message ?? '', 'NATS does not let this user write to stream S')
})

test('an outage is an answer that did not come, or one that says not now', () => {
  assert.ok(isOutage(NatsError.errorForCode(ErrorCode.Timeout)))
  assert.ok(isOutage(apiError(10_009, 'no leader', 503)))
  assert.not.ok(isOutage(apiError(10_059, 'stream not found', 404)))
  assert.not.ok(isOutage(NatsError.errorForCode(ErrorCode.PermissionsViolation)))
  assert.not.ok(isOutage(new Error('TIMEOUT')))
})

test('whoever is waited for is named as far as he is known', () => {
  const known = { pid: '4711', application: 'psql', state: 'idle in transaction', seconds: '35', gid: null }
  assert.is(
    blockerText(known),
    'PostgreSQL process 4711 (application "psql", idle in transaction, its transaction 35 s old)',
  )
  assert.is(
    blockerText({ pid: '5', application: null, state: null, seconds: null, gid: null }),
    'PostgreSQL process 5 (no application name, state unknown)',
  )
  assert.is(blockerText({ ...known, pid: '0', gid: 'tx 1' }), 'a prepared transaction ("tx 1" of pg_prepared_xacts)')
})

test.run()
