import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  decideAttempt,
  decideEpoch,
  decideManifest,
  decidePage,
  type Known,
  ledgerShortfalls,
} from '../../consumers/decide-message.ts'
import { Failure } from '../../contracts/failure.ts'
import type { AttemptControl, EpochControl, ManifestControl } from '../../contracts/wire/message.ts'

const known: Known = {
  contractSet: 'shop',
  service: 'sales',
  epoch: 2,
  epochStartedAt: '2024-02-02T00:00:00.000Z',
  systemId: '7',
  phase: 'loading',
  attempts: new Map([
    ['Customer', 3],
    ['Order', 0],
  ]),
  snapshots: new Map([['Customer', '10:10:']]),
  announced: new Map(),
}

const epoch = (change: Partial<EpochControl> = {}): EpochControl => ({
  v: 1,
  kind: 'control',
  control: 'epoch',
  epoch: 2,
  contractSet: 'shop',
  service: 'sales',
  systemId: '7',
  timeline: 1,
  database: 'monolith',
  slot: null,
  startedAt: '2024-02-02T00:00:00.000Z',
  ...change,
})

const attempt = (change: Partial<AttemptControl>): AttemptControl => ({
  v: 1,
  kind: 'control',
  control: 'attempt',
  epoch: 2,
  entity: 'Customer',
  shape: '0123456789abcdef',
  attempt: 3,
  snapshot: '10:10:',
  consistencyPoint: '0/16B3748',
  blocks: 0,
  chunks: 1,
  ...change,
})

const manifest = (attempts: Readonly<Record<string, number>>, of = 2): ManifestControl => ({
  v: 1,
  kind: 'control',
  control: 'manifest',
  epoch: of,
  entities: Object.entries(attempts).map(([entity, number]) => ({
    entity,
    attempt: number,
    rows: 1,
    pages: 1,
    bytes: 1,
    digest: '',
  })),
  consistencyPoint: '0/1',
  snapshot: '10:10:',
  closedAt: '',
})

function refuses(decide: () => unknown, ...words: readonly string[]): void {
  try {
    decide()
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    assert.is(error.exitCode, 4)
    for (const word of ['sales', ...words]) assert.ok(error.message.includes(word), `${word} in ${error.message}`)
    return
  }
  assert.unreachable('It was not refused')
}

test('a later epoch is entered', () => {
  assert.is(decideEpoch(known, epoch({ epoch: 3, startedAt: 'later' })), 'enter')
})

test('the present epoch, read again, and an earlier one change nothing', () => {
  assert.is(decideEpoch(known, epoch()), 'skip')
  assert.is(decideEpoch(known, epoch({ epoch: 1, startedAt: 'earlier' })), 'skip')
})

test('the present epoch of another log is refused with both beginnings', () => {
  refuses(() => decideEpoch(known, epoch({ startedAt: '2025-01-01T00:00:00.000Z' })), '2024-02-02', '2025-01-01')
})

test('the epoch of another service or contract set is refused by name', () => {
  refuses(() => decideEpoch(known, epoch({ epoch: 3, service: 'chat' })), 'chat')
  refuses(() => decideEpoch(known, epoch({ epoch: 3, contractSet: 'bank' })), 'bank')
})

test('a later epoch of another monolith is refused, since it may be another deployment’s', () => {
  refuses(() => decideEpoch(known, epoch({ epoch: 3, systemId: '8' })), 'system identifier 7', "the log's (8)")
  assert.is(decideEpoch({ ...known, epoch: 0, systemId: null }, epoch({ systemId: '8' })), 'enter')
})

test('the present attempt under another snapshot is refused with both', () => {
  refuses(() => decideAttempt(known, attempt({ snapshot: '20:20:' })), '10:10:', '20:20:')
})

test('a later attempt is entered, the present and an earlier one are not', () => {
  assert.is(decideAttempt(known, attempt({ attempt: 4 })), 'enter')
  assert.is(decideAttempt(known, attempt({ attempt: 3 })), 'skip')
  assert.is(decideAttempt(known, attempt({ attempt: 2 })), 'skip')
  assert.is(decideAttempt(known, attempt({ entity: 'Order', attempt: 1 })), 'enter')
})

test('an attempt of an earlier epoch is void, whatever it is of', () => {
  assert.is(decideAttempt(known, attempt({ epoch: 1, attempt: 9, entity: 'Gone' })), 'skip')
})

test('an attempt of an epoch that was not announced is refused', () => {
  refuses(() => decideAttempt(known, attempt({ epoch: 3, attempt: 1 })), 'Customer', 'epoch 3')
})

test('an attempt of an entity that the contract does not have is refused by name', () => {
  refuses(() => decideAttempt(known, attempt({ entity: 'Gone', attempt: 1 })), 'Gone')
})

test('pages of the present attempt are loaded, those of earlier attempts and epochs are not', () => {
  assert.is(decidePage(known, { epoch: 2, entity: 'Customer', attempt: 3 }), 'load')
  assert.is(decidePage(known, { epoch: 2, entity: 'Customer', attempt: 2 }), 'skip')
  assert.is(decidePage(known, { epoch: 1, entity: 'Customer', attempt: 3 }), 'skip')
})

test('a page before its attempt, or of an epoch to come, is refused', () => {
  refuses(() => decidePage(known, { epoch: 2, entity: 'Order', attempt: 1 }), 'Order', 'attempt 1')
  refuses(() => decidePage(known, { epoch: 3, entity: 'Customer', attempt: 3 }), 'Customer', 'epoch 3')
})

test('a manifest of the present attempts closes the loading', () => {
  assert.is(decideManifest(known, manifest({ Customer: 3, Order: 0 })), 'close')
  assert.is(decideManifest({ ...known, phase: 'indexing' }, manifest({ Customer: 3 })), 'close')
})

test('a manifest is passed over where it is of an earlier epoch, of an earlier attempt, or applied already', () => {
  assert.is(decideManifest(known, manifest({ Customer: 3 }, 1)), 'skip')
  assert.is(decideManifest(known, manifest({ Customer: 2 })), 'skip')
  assert.is(decideManifest({ ...known, phase: 'following' }, manifest({ Customer: 2 })), 'skip')
})

test('a manifest that comes again moves the consistency point alone', () => {
  assert.is(decideManifest({ ...known, phase: 'following' }, manifest({ Customer: 3 })), 'move the point')
})

test('a manifest is passed over where the log is known to announce a later attempt', () => {
  const announced = new Map([['Customer', 4]])
  assert.is(decideManifest({ ...known, announced }, manifest({ Customer: 3 })), 'skip')
})

test('a manifest of an attempt or an epoch that was not announced is refused', () => {
  refuses(() => decideManifest(known, manifest({ Customer: 4 })), 'manifest')
  refuses(() => decideManifest(known, manifest({ Customer: 3 }, 3)), 'manifest', 'epoch 3')
  refuses(() => decideManifest(known, manifest({ Gone: 1 })), 'Gone')
})

const totals = (entity: string, pages: number, rows: number) => ({
  entity,
  pages,
  rows,
  attempt: 1,
  bytes: 0,
  digest: '',
})

test('a ledger with all pages and rows meets the manifest', () => {
  const entities = [totals('Customer', 2, 20), totals('Order', 0, 0)]
  const ledger = new Map([['Customer', { pages: 2, rows: 20 }]])
  assert.equal(ledgerShortfalls({ entities }, ledger, ['Customer', 'Order']), [])
})

test('each entity that lacks pages or rows, has too many, or is not listed, is named with the counts', () => {
  const entities = [totals('Customer', 2, 20), totals('Order', 1, 5)]
  const ledger = new Map([
    ['Customer', { pages: 1, rows: 10 }],
    ['Order', { pages: 1, rows: 6 }],
  ])
  assert.equal(ledgerShortfalls({ entities }, ledger, ['Customer', 'Order', 'Account']), [
    'Account is not in it',
    'Customer has 1 of 2 pages and 10 of 20 rows',
    'Order has 1 of 1 pages and 6 of 5 rows',
  ])
})

test.run()
