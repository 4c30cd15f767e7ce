import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Failure } from '../../contracts/failure.ts'
import {
  type BegunEpoch,
  decidePublication,
  type LogState,
  QUIET_MS,
  settlingMs,
  type PublicationWishes,
} from '../../publisher/decide-publication.ts'

const MONOLITH = { systemId: '7', timeline: 1, database: 'shop' }
const BEGUN: BegunEpoch = { ...MONOLITH, slotName: 'scission_shop', consistentPoint: '0/10' }
const CLOSED = { consistencyPoint: '0/20', entities: ['Sale'] }
const WISHES: PublicationWishes = {
  newEpoch: false,
  withSlot: true,
  monolith: MONOLITH,
  entities: new Map([
    ['till', ['Sale']],
    ['stock', ['Sale']],
  ]),
  lostEpoch: 0,
}

function empty(service: string): LogState {
  return {
    service,
    streamCreated: 'then',
    replicas: 1,
    lastSequence: 0,
    quietMs: null,
    epoch: 0,
    lastNumber: 0,
    epochSequence: 1,
    missing: null,
    begun: null,
    closed: null,
    readings: new Map(),
  }
}

function begun(service: string, epoch: number, with_: Partial<LogState> = {}): LogState {
  return { ...empty(service), lastSequence: 9, epoch, lastNumber: 9, begun: BEGUN, ...with_ }
}

function closed(service: string, epoch: number): LogState {
  return begun(service, epoch, { closed: CLOSED })
}

function refusal(logs: readonly LogState[], wishes: Partial<PublicationWishes> = {}): string {
  try {
    return `no refusal but ${decidePublication(logs, { ...WISHES, ...wishes }).kind}`
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    assert.is(error.exitCode, 4)
    return error.message
  }
}

test('where no stream has an epoch, the first begins', () => {
  assert.equal(decidePublication([empty('till'), empty('stock')], WISHES), { kind: 'begin', epoch: 1 })
})

test('an epoch that is closed in every stream is closed, and nothing is done', () => {
  assert.equal(decidePublication([closed('till', 3), closed('stock', 3)], WISHES), {
    kind: 'already closed',
    epoch: 3,
    consistencyPoint: '0/20',
    slotName: 'scission_shop',
  })
})

test('whether a slot is wished does not matter once the epoch is closed', () => {
  const logs = [closed('till', 1), closed('stock', 1)]
  assert.is(decidePublication(logs, { ...WISHES, withSlot: false }).kind, 'already closed')
})

test('an epoch that is begun in some streams goes on, with its slot', () => {
  const expected = { kind: 'go on', epoch: 1, slotName: 'scission_shop' }
  assert.equal(decidePublication([begun('till', 1), empty('stock')], WISHES), expected)
  assert.equal(decidePublication([empty('till'), begun('stock', 1)], WISHES), expected)
})

test('an epoch that is closed in some streams alone goes on', () => {
  assert.is(decidePublication([closed('till', 2), begun('stock', 2)], WISHES).kind, 'go on')
})

test('an epoch that has begun in some streams, while others hold the closed one before it, goes on', () => {
  assert.equal(decidePublication([closed('till', 1), begun('stock', 2)], WISHES), {
    kind: 'go on',
    epoch: 2,
    slotName: 'scission_shop',
  })
})

test('a new epoch begins behind the newest, whatever became of that', () => {
  for (const logs of [
    [closed('till', 2), closed('stock', 2)],
    [closed('till', 1), begun('stock', 2)],
    [begun('till', 2, { begun: { ...BEGUN, systemId: 'another' } }), empty('stock')],
    [begun('till', 2, { missing: 3 }), begun('stock', 2)],
  ])
    assert.equal(decidePublication(logs, { ...WISHES, newEpoch: true }), { kind: 'begin', epoch: 3 })
})

test('a log of another server, another database or another timeline is refused', () => {
  const of = (other: Partial<BegunEpoch>): string => refusal([begun('till', 1, { begun: { ...BEGUN, ...other } })])
  assert.match(of({ systemId: '8' }), 'The log is of another monolith (system identifier 8, this one has 7): correct')
  assert.match(of({ database: 'other' }), 'The log is of database other, and this is shop: correct')
  assert.match(of({ timeline: 4 }), 'restored or failed over since epoch 1 began (timeline 4, now 1)')
})

test('the same holds for a closed log', () => {
  const other = { ...closed('till', 1), begun: { ...BEGUN, database: 'other' } }
  assert.match(refusal([other]), 'The log is of database other')
})

test('an epoch goes on with the kind of snapshot that it was begun with alone', () => {
  const without = begun('till', 1, { begun: { ...BEGUN, slotName: null, consistentPoint: null } })
  assert.match(refusal([without]), 'Epoch 1 was begun without a slot: add --no-slot, or begin anew with --new-epoch.')
  assert.match(refusal([begun('till', 1)], { withSlot: false }), 'Epoch 1 was begun with a slot: leave out --no-slot')
  assert.is(decidePublication([without], { ...WISHES, withSlot: false }).kind, 'go on')
})

test('a log from which messages were removed is refused', () => {
  assert.match(
    refusal([closed('till', 1), { ...closed('stock', 1), missing: 4 }]),
    'The stream of service stock does not hold its message 4: messages were removed from the log',
  )
})

test('a log whose end was removed is refused, also where nothing else is left, and a new epoch is not one of its own', () => {
  const emptied = { ...empty('stock'), lastSequence: 9, epochSequence: 10, missing: 9 }
  for (const other of [closed('till', 1), begun('till', 1), empty('till')])
    assert.match(
      refusal([other, emptied]),
      /^The stream of service stock does not hold its last message \(9\): messages were removed/,
    )
  const wishes = { ...WISHES, newEpoch: true, lostEpoch: 4 }
  assert.equal(decidePublication([empty('till'), emptied], wishes), { kind: 'begin', epoch: 5 })
  assert.equal(decidePublication([closed('till', 7), emptied], wishes), { kind: 'begin', epoch: 8 })
})

test('messages that are missing in an older epoch do not matter', () => {
  const logs = [{ ...begun('till', 1), missing: 2 }, begun('stock', 2)]
  assert.is(decidePublication(logs, WISHES).kind, 'go on')
})

test('a newest epoch whose beginning no stream holds is refused', () => {
  assert.match(refusal([begun('till', 2, { begun: null })]), 'No stream says how epoch 2 began')
})

test('a closed snapshot without an entity or a service of the contract set is refused', () => {
  const withRefund = new Map([...WISHES.entities, ['till', ['Sale', 'Refund']]])
  assert.match(
    refusal([closed('till', 1), closed('stock', 1)], { entities: withRefund }),
    'The snapshot of epoch 1 is complete, and is without entity Refund of service till',
  )
  assert.match(refusal([closed('till', 1), empty('stock')]), 'is without entity Sale of service stock')
})

test('logs settle a moment after the last message of an open epoch, and at once where nothing is open', () => {
  assert.is(settlingMs([empty('till'), empty('stock')], false), 0)
  assert.is(settlingMs([{ ...closed('till', 1), quietMs: 1 }], false), 0)
  assert.is(
    settlingMs([begun('till', 1, { quietMs: QUIET_MS }), begun('stock', 1, { quietMs: QUIET_MS + 7 })], false),
    0,
  )
  assert.is(settlingMs([begun('till', 1, { quietMs: 100 }), begun('stock', 1, { quietMs: 30 })], false), QUIET_MS - 30)
})

test.run()
