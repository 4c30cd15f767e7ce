import type { SentLook } from '../../../../consumers/lag/page/client/page-state.ts'
import type { LagReport } from '../../../../consumers/lag/lag-report.ts'
import type { Age } from '../../../../infra/following/log-lag.ts'
import { exact, lagOf, loadingOf } from '../lag-of.ts'

type Monolith = NonNullable<LagReport['monolith']>

export function monolithOf(slot: Partial<NonNullable<Monolith['slot']>> | null = {}, lag = exact(0) as Age): Monolith {
  const usual = {
    name: 'scission_shop',
    isFollowed: true,
    confirmed: '0/16B3748',
    behindBytes: 0,
    retainedBytes: 1_000_000,
    safeBytes: null,
    walStatus: 'reserved',
  }
  return { position: '0/16B3750', slot: slot && { ...usual, ...slot }, lag, nowMs: 1_700_000_000_000 }
}

export function reportOf(services: LagReport['services'], given: Partial<LagReport> = {}): LagReport {
  return { monolith: monolithOf(), services, problems: [], ...given }
}

/** A split whose services are as they are given, and whose first hop is so late for all of them. */
export function lateReportOf(lag: Age, services = [lagOf('a'), lagOf('b')]): LagReport {
  const hops = { toLog: lag, toConsumer: lag, toDatabase: lag }
  return reportOf(
    services.map((each) => ({ ...each, hops })),
    { monolith: monolithOf({}, lag) },
  )
}

export function lookOf(report: LagReport, given: Partial<SentLook> = {}): SentLook {
  return { atMs: Date.now(), tookMs: 40, report, slotSecondsLeft: null, title: 'shop', ...given }
}

/** What would be a part of the document, were it not written as text. */
export const HOSTILE = '<img src=x onerror=document.title=1>'

/** One service of each kind, with all that can be in the way. */
export function troubledReport(): LagReport {
  const stopped = {
    position: '0/30',
    reason: 'duplicate key value violates unique constraint "Order_pkey"',
    state: 'stopped' as const,
  }
  return reportOf(
    [
      lagOf('iam'),
      lagOf('user', { phase: 'indexing' }),
      lagOf('model', {
        phase: 'loading',
        position: null,
        hops: { toLog: exact(0), toConsumer: exact(2), toDatabase: { seconds: 61, bound: 'at least' } },
        loading: loadingOf({
          rows: 250,
          expectedRows: 1_000,
          isEstimate: true,
          rowsPerSecond: 50,
          secondsLeft: 15,
          entities: [
            { entity: 'Element', rows: 250, expectedRows: 500 },
            { entity: HOSTILE, rows: 0, expectedRows: null },
          ],
        }),
      }),
      lagOf('diagram', {
        status: 'stall',
        messages: 1_234,
        bytes: 88_000_000,
        lastError: { text: `waits for a lock ${HOSTILE}`, secondsAgo: 12 },
      }),
      lagOf('chat', { status: 'stop', isConsumed: false }),
      lagOf('sales', { status: 'stop', isConsumed: false, stopped }),
      lagOf('notes', {
        status: 'parked',
        parked: 7,
        parkedChanges: [{ position: '0/40', entity: HOSTILE, changes: 7, reason: `null in ${HOSTILE}` }],
      }),
      lagOf('search', { status: 'warning', messages: 90 }),
      { service: 'archive', status: 'unknown' },
    ],
    {
      monolith: monolithOf({ retainedBytes: 900_000_000, safeBytes: 100_000_000 }),
      problems: [{ sentence: 'The database of service archive cannot be reached: start it.', exitCode: 1 }],
    },
  )
}
