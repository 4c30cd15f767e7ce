import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Failure } from '../../../contracts/failure.ts'
import { contractSet } from '../../../contracts/language/contract-set.ts'
import { entity, service } from '../../../contracts/language/entity.ts'
import { text } from '../../../contracts/language/types.ts'
import type { AttemptControl, EpochControl, ManifestControl } from '../../../contracts/wire/message.ts'
import { closedSnapshot, type LastControls } from '../../../infra/verify/read-manifest.ts'

const set = contractSet('shop', {
  services: { orders: service({ Order: entity({ id: text() }, { key: ['id'] }) }) },
})
// The set above has one service.
const orders = set.services[0] as (typeof set.services)[number]

const begun = { epoch: 2, control: 'epoch', systemId: '7' } as EpochControl
const attempt = { epoch: 2, control: 'attempt', entity: 'Order', attempt: 1 } as AttemptControl
const totals = { entity: 'Order', attempt: 1, rows: 3, pages: 1, bytes: 9, digest: '0'.repeat(32) }
const manifest = { epoch: 2, control: 'manifest', entities: [totals] } as unknown as ManifestControl

const controls: LastControls = {
  epoch: { sequence: 10, control: begun },
  attempt: { sequence: 12, control: attempt },
  manifest: { sequence: 20, control: manifest },
}

function refusal(changed: Partial<LastControls>): string {
  try {
    closedSnapshot('SHOP_ORDERS', orders, { ...controls, ...changed })
  } catch (error) {
    assert.instance(error, Failure)
    assert.is((error as Failure).exitCode, 4)
    return (error as Failure).message
  }
  return 'no refusal'
}

test('a snapshot that the newest epoch closed is taken, between its first message and its manifest', () => {
  const closed = closedSnapshot('SHOP_ORDERS', orders, controls)
  assert.equal([closed.firstSequence, closed.manifestSequence, closed.manifest], [10, 20, manifest])
})

test('a log without an epoch, or without a manifest of its newest one, is refused with the way out', () => {
  assert.match(refusal({ epoch: null }), /SHOP_ORDERS holds no snapshot of service orders yet: run publish first/)
  assert.match(refusal({ manifest: null }), /has not closed its snapshot of service orders yet \(epoch 2\)/)
  const older = { sequence: 9, control: { ...manifest, epoch: 1 } }
  assert.match(refusal({ manifest: older }), /has not closed/)
})

test('a manifest before a later attempt closes nothing any more', () => {
  assert.match(refusal({ attempt: { sequence: 21, control: attempt } }), /has not closed/)
})

test('a manifest of other entities than the contract has is refused, either way', () => {
  const of = (...entities: string[]): Partial<LastControls> => ({
    manifest: {
      sequence: 20,
      control: { ...manifest, entities: entities.map((name) => ({ ...totals, entity: name })) },
    },
  })
  assert.match(refusal(of()), /does not hold Order/)
  assert.match(refusal(of('Order', 'Extra')), /holds Extra, which the contract does not have/)
})

test.run()
