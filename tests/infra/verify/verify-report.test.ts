import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { EpochControl, ManifestControl } from '../../../contracts/wire/message.ts'
import { parseStreamSequence } from '../../../contracts/positions.ts'
import { logNote } from '../../../infra/verify/compare-rows.ts'
import { crossReferencesWithin } from '../../../infra/verify/count-references.ts'
import type { ClosedSnapshot } from '../../../infra/verify/read-manifest.ts'
import type { ServiceReport } from '../../../infra/verify/report.ts'
import { assertOneEpoch, verifyReport } from '../../../infra/verify/verify.ts'
import { target } from './made-by-hand.ts'
import { shop } from './shop.ts'

function snapshot(stream: string, epoch: number, consistencyPoint: string): ClosedSnapshot {
  return {
    stream,
    begun: { systemId: '7', database: 'monolith' } as EpochControl,
    manifest: { epoch, consistencyPoint } as ManifestControl,
    firstSequence: parseStreamSequence(1),
    manifestSequence: 2,
  }
}

const service = (name: string, verified: boolean): ServiceReport => ({
  service: name,
  verified,
  seconds: 1,
  postgres: '15.18',
  parked: 0,
  tables: [],
})

const verification = {
  set: shop,
  prefix: 'shop',
  startedAt: new Date('2026-01-01T00:00:00Z'),
  now: new Date('2026-01-01T00:00:02.500Z'),
  natsVersion: '2.10.27',
  snapshots: [snapshot('A', 3, '0/A'), snapshot('B', 3, '1/0')],
  reports: [service('accounts', true), service('orders', true)],
  references: [],
  point: null,
}

test('a report against the monolith is as of the point at which it was compared', () => {
  const { against, consistencyPoint } = verifyReport({ ...verification, point: '2/0' })
  assert.equal([against, consistencyPoint], ['monolith', '2/0'])
})

test('a report is verified when every service is, at the latest of their consistency points', () => {
  const report = verifyReport(verification)
  assert.equal([report.verified, report.epoch, report.consistencyPoint], [true, 3, '1/0'])
  assert.equal([report.verifiedAt, report.seconds], ['2026-01-01T00:00:02.500Z', 2.5])
  assert.is(
    verifyReport({ ...verification, reports: [service('accounts', true), service('orders', false)] }).verified,
    false,
  )
})

test('a report is JSON and comes back from it as it was', () => {
  const report = verifyReport(verification)
  assert.equal(JSON.parse(JSON.stringify(report)), report)
})

test('services of two epochs prove nothing together', () => {
  assertOneEpoch(verification.snapshots)
  assert.throws(
    () => assertOneEpoch([snapshot('A', 3, '0/A'), snapshot('B', 2, '0/A')]),
    /Stream A is at epoch 3 and stream B at epoch 2: run publish/,
  )
})

test('pages that do not add up to the manifest are told from a service that does not', () => {
  const [entity] = shop.services[0]?.entities ?? []
  assert.ok(entity)
  const totals = { rows: 3, digest: 'a' }
  assert.is(logNote(entity, totals, totals), null)
  assert.match(
    logNote(entity, totals, { rows: 3, digest: 'b' }) ?? '',
    /^The pages of Account in the log .*publish --new-epoch/,
  )
})

test('references are counted between services that are both there', () => {
  const [accounts, orders] = shop.services.map((each) => ({
    service: each,
    database: target(each.name, 'postgres://x'),
  }))
  assert.ok(accounts && orders)
  assert.is(crossReferencesWithin([accounts, orders]).length, 4)
  assert.equal(crossReferencesWithin([orders]), [])
})

test.run()
