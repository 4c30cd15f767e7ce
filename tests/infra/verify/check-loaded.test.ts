import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { EpochControl, ManifestControl } from '../../../contracts/wire/message.ts'
import { parseStreamSequence } from '../../../contracts/positions.ts'
import { loadFailure, type LoadState } from '../../../infra/verify/check-loaded.ts'

const snapshot = {
  stream: 'SHOP_ORDERS',
  begun: { systemId: '7' } as EpochControl,
  manifest: { epoch: 2, entities: [{ entity: 'Order', attempt: 3 }] } as unknown as ManifestControl,
  firstSequence: parseStreamSequence(1),
  manifestSequence: 20,
}
const wanted = { contractSet: 'shop', service: 'orders', prefix: 'shop', snapshot }
const loaded: LoadState = {
  contractSet: 'shop',
  service: 'orders',
  prefix: 'shop',
  systemId: '7',
  epoch: 2,
  phase: 'following',
  attempts: new Map([['Order', 3]]),
}

const said = (changed: Partial<LoadState>): string => {
  const failure = loadFailure({ ...loaded, ...changed }, wanted)
  return failure === null ? 'ready' : `${failure.exitCode} ${failure.message}`
}

test('a service that has applied the whole snapshot is ready', () => {
  assert.is(said({}), 'ready')
  assert.is(said({ systemId: null }), 'ready')
})

test('a service that is behind is late, which is no difference: exit code 5', () => {
  const late = /^5 Service orders has not finished loading: run consume orders --until-caught-up first\.$/
  assert.match(said({ phase: 'loading' }), late)
  assert.match(said({ phase: 'indexing' }), late)
  assert.match(said({ epoch: 1 }), late)
  assert.match(said({ attempts: new Map([['Order', 2]]) }), late)
})

test('a database that belongs elsewhere, or was never loaded, is refused: exit code 4', () => {
  assert.match(said({ service: 'iam' }), /^4 .*holds service iam of the contract set shop/)
  assert.match(said({ prefix: 'staging' }), /^4 .*with the prefix staging/)
  assert.match(said({ systemId: '8' }), /^4 .*another monolith \(system identifier 8\)/)
  assert.match(said({ epoch: 3 }), /^4 .*went back in time/)
  assert.match(String(loadFailure(null, wanted)?.message), /never loaded: run prepare, then consume orders/)
})

test.run()
