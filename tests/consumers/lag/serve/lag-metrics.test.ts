import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { MonolithStanding } from '../../../../infra/following/monolith-standing.ts'
import type { LagReport } from '../../../../consumers/lag/lag-report.ts'
import { LAG_METRICS, lagMetrics } from '../../../../consumers/lag/serve/lag-metrics.ts'
import { markUnwatched } from '../../../../consumers/lag/serve/mark-unwatched.ts'
import { createMetricsRegistry } from '../../../../consumers/lag/serve/metrics-registry.ts'
import { isBrokerReachable, unreadiness } from '../../../../consumers/lag/serve/readiness.ts'
import { exact, lagOf, loadingOf } from '../lag-of.ts'
import { lookOf } from './with-lag-server.ts'

const SLOT = {
  name: 'scission_shop',
  isFollowed: true,
  confirmed: '0/1',
  behindBytes: 10,
  retainedBytes: 100,
  safeBytes: 1_000,
  walStatus: 'reserved',
}
const MONOLITH: MonolithStanding = { position: '0/2', slot: SLOT, lag: exact(0), nowMs: 0 }

const ALL: LagReport = {
  monolith: MONOLITH,
  services: [
    lagOf('sales', {
      status: 'warning',
      hops: {
        toLog: { seconds: 3, bound: 'at least' },
        toConsumer: exact(4),
        toDatabase: { seconds: 5, bound: 'at most' },
      },
      lastError: { text: 'x', secondsAgo: 9 },
      parked: 2,
      stopped: { position: '0/1', reason: 'x', state: 'stopped' },
    }),
  ],
  problems: [],
}

/** A metric's samples as `labels value`. */
function told(report: LagReport, metric: string, secondsLeft: number | null = null): string[] {
  const look = lookOf(report, 0)
  return lagMetrics({ ...look, history: { ...look.history, slotSecondsLeft: secondsLeft } }, 2_000)
    .filter((sample) => sample.metric === metric)
    .map(({ labels, value }) => `${Object.values(labels).join(' ')} ${value}`.trim())
}

test('each hop tells its lag, and what that is worth', () => {
  assert.equal(told(ALL, 'scission_hop_lag_seconds'), ['sales log 3', 'sales consumer 4', 'sales database 5'])
  assert.equal(
    told(ALL, 'scission_hop_lag_bound').filter((text) => text.endsWith(' 1')),
    ['sales log at_least 1', 'sales consumer exact 1', 'sales database at_most 1'],
  )
})

test('one status and one activity is 1, and all others are 0', () => {
  const statuses = told(ALL, 'scission_service_status')
  assert.equal([statuses.length, statuses.filter((text) => text.endsWith(' 1'))], [6, ['sales warning 1']])
  const activities = told(ALL, 'scission_service_activity')
  assert.equal([activities.length, activities.filter((text) => text.endsWith(' 1'))], [7, ['sales following 1']])
})

test('of a service that cannot be told of there is that, and nothing else', () => {
  const unknown: LagReport = { ...ALL, services: [{ service: 'sales', status: 'unknown' }] }
  const samples = lagMetrics(lookOf(unknown), 0).filter(({ labels }) => 'service' in labels)
  assert.equal(
    [...new Set(samples.map(({ metric }) => metric))],
    ['scission_service_reachable', 'scission_service_status'],
  )
  assert.equal(told(unknown, 'scission_service_reachable'), ['sales 0'])
})

test('what cannot be told is absent, and what is not there is 0', () => {
  const untold = ['scission_snapshot_rows_expected', 'scission_last_error_age_seconds']
  const bare = { ...ALL, services: [lagOf('sales', { loading: loadingOf({ rows: 3 }) })] }
  for (const metric of untold) assert.equal(told(bare, metric), [], metric)
  const unlimited = { ...ALL, monolith: { ...MONOLITH, slot: { ...SLOT, safeBytes: null } } }
  assert.equal([told(unlimited, 'scission_slot_safe_bytes'), told(unlimited, 'scission_slot_seconds_left')], [[], []])
  assert.equal(told(ALL, 'scission_slot_seconds_left', 60), ['60'])
  const unslotted = { ...ALL, monolith: { ...MONOLITH, slot: null } }
  assert.equal([told(unslotted, 'scission_slot_exists'), told(unslotted, 'scission_slot_lost')], [['0'], []])
  const away = { ...ALL, monolith: null }
  assert.equal([told(away, 'scission_monolith_reachable'), told(away, 'scission_slot_exists')], [['0'], []])
  assert.equal(
    told({ ...ALL, monolith: { ...MONOLITH, slot: { ...SLOT, walStatus: 'lost' } } }, 'scission_slot_lost'),
    ['1'],
  )
})

test('a scrape has no value of an earlier one', async () => {
  const registry = createMetricsRegistry()
  const full = await registry.exposition(lookOf(ALL, 0), 2_000)
  assert.match(full, /^scission_slot_safe_bytes 1000$/m)
  assert.match(full, /^scission_look_age_seconds 2$/m)
  const gone = await registry.exposition(lookOf({ monolith: null, services: [], problems: [] }), 0)
  assert.equal(
    gone.split('\n').filter((line) => line.startsWith('scission_') && !line.startsWith('scission_look_')),
    ['scission_monolith_reachable 0'],
  )
})

test('names have their units, and no label could have many values', () => {
  for (const [name, { help, labels }] of Object.entries(LAG_METRICS)) {
    assert.match(name, /^scission_[a-z]+(_[a-z]+)+$|^scission_stopped$/)
    assert.match(help, /^[A-Z].*\.$/)
    for (const label of labels) assert.ok(['service', 'status', 'activity', 'hop', 'bound'].includes(label), label)
  }
})

test('it is ready when all can be told of, and says of what it is not', () => {
  assert.is(unreadiness(lookOf(ALL, 0), 0), null)
  assert.is(unreadiness(null, 0), 'Not ready: no look at the split has come to its end yet.')
  assert.is(unreadiness(lookOf(ALL, 0), 40_000), 'Not ready: the last look is 40 s old.')
  const sentence = 'NATS at 10.0.0.1:4222 (NATS_URL) did not answer (TIMEOUT): see that it runs.'
  const services = ['sales', 'stock'].map((service) => ({ service, status: 'unknown' as const }))
  const away = { monolith: null, services, problems: [{ sentence, exitCode: 5 as const, isOfBroker: true as const }] }
  assert.is(
    unreadiness(lookOf(away, 0), 0),
    'Not ready: nothing can be told of the monolith, nor of NATS, nor of services sales, stock.',
  )
})

test('of what is not configured no metric tells, and it keeps nothing from being ready', () => {
  const services = [lagOf('iam'), ...['sales', 'stock'].map((service) => ({ service, status: 'unknown' as const }))]
  const unwatched = { isMonolith: true, services: new Set(['iam', 'sales']) }
  const report = markUnwatched({ monolith: null, services, problems: [] }, unwatched)
  assert.equal(report.services, [
    lagOf('iam'),
    { service: 'sales', status: 'unknown', isUnwatched: true },
    { service: 'stock', status: 'unknown' },
  ])
  assert.equal(told(report, 'scission_service_reachable'), ['iam 1', 'stock 0'])
  assert.equal(told(report, 'scission_monolith_reachable'), [])
  assert.is(told(report, 'scission_service_status').filter((text) => text.startsWith('sales')).length, 0)
  assert.is(unreadiness(lookOf(report, 0), 0), 'Not ready: nothing can be told of service stock.')
  const watched = markUnwatched(ALL, { isMonolith: false, services: new Set() })
  assert.equal(watched, ALL)
})

test('the broker is away where nothing is known of any service, and a problem says it', () => {
  assert.is(isBrokerReachable(ALL), true)
  const unknown = { ...ALL, services: [{ service: 'sales', status: 'unknown' as const }] }
  assert.is(isBrokerReachable(unknown), null)
  assert.is(
    isBrokerReachable({
      ...unknown,
      problems: [{ sentence: 'NATS at a:1 (NATS_URL) did …', exitCode: 5, isOfBroker: true }],
    }),
    false,
  )
})

test.run()
