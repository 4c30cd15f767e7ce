import type { Age } from '../../../infra/following/log-lag.ts'
import { type Activity, activityOf } from '../activity.ts'
import type { ConsumerStatus } from '../judge-consumer.ts'
import { isKnown, type LagReport } from '../lag-report.ts'
import type { LagLook } from '../lag-watch.ts'
import type { ServiceLag } from '../service-lag.ts'
import { watchedServices } from './mark-unwatched.ts'
import { isBrokerReachable } from './readiness.ts'

/** What each metric means; names and labels stay. docs/metrics.md has the same. */
export const LAG_METRICS = {
  scission_service_reachable: { labels: ['service'], help: 'Whether the service could be told of (1) or not (0).' },
  scission_service_status: {
    labels: ['service', 'status'],
    help: 'How the consumer does: 1 for ok, warning, stall, stop, parked or unknown, 0 for the others.',
  },
  scission_service_activity: {
    labels: ['service', 'activity'],
    help: 'What the service does: 1 for waiting, loading, indexing, following, stalled, stopped or parked, 0 for the others.',
  },
  scission_consumer_running: { labels: ['service'], help: "Whether a consumer holds the service's lease." },
  scission_hop_lag_seconds: {
    labels: ['service', 'hop'],
    help: 'How old the oldest change is that is not past a hop: in the log, read by the consumer, applied in the database.',
  },
  scission_hop_lag_bound: {
    labels: ['service', 'hop', 'bound'],
    help: 'What the lag of a hop is: 1 for exact, at_least (nothing tells what is behind that) or at_most (since the publisher was heard of).',
  },
  scission_pending_messages: { labels: ['service'], help: 'Messages of the stream that are not applied.' },
  scission_pending_bytes: {
    labels: ['service'],
    help: 'Bytes of the stream that are not applied, measured by its mean message.',
  },
  scission_applied_sequence: { labels: ['service'], help: 'The message of the stream up to which all is applied.' },
  scission_stream_last_sequence: { labels: ['service'], help: "The stream's last message." },
  scission_applied_messages_per_second: {
    labels: ['service'],
    help: 'Messages applied in a second, over the last seconds, as the consumer wrote it down.',
  },
  scission_snapshot_rows_loaded: { labels: ['service'], help: 'Rows of the snapshot that the service holds.' },
  scission_snapshot_rows_expected: {
    labels: ['service'],
    help: 'Rows of the whole snapshot, or about as many; absent where nothing tells it.',
  },
  scission_parked_changes: {
    labels: ['service'],
    help: 'Changes that an operator has set aside, and those behind them.',
  },
  scission_stopped: {
    labels: ['service'],
    help: 'Whether a transaction waits for an operator, since its table does not take it.',
  },
  scission_last_error_age_seconds: {
    labels: ['service'],
    help: 'How long ago the consumer said last that something failed; absent where nothing did.',
  },
  scission_monolith_reachable: { labels: [], help: 'Whether the monolith could be told of (1) or not (0).' },
  scission_broker_reachable: { labels: [], help: 'Whether NATS answered; absent where nothing tells it.' },
  scission_slot_exists: { labels: [], help: 'Whether the monolith has the replication slot.' },
  scission_slot_followed: { labels: [], help: 'Whether a publisher follows the slot.' },
  scission_slot_lost: { labels: [], help: 'Whether PostgreSQL has given the slot up: what was not read is gone.' },
  scission_slot_retained_bytes: { labels: [], help: 'WAL that the monolith keeps for the slot.' },
  scission_slot_behind_bytes: { labels: [], help: 'WAL behind what the slot has confirmed.' },
  scission_slot_safe_bytes: {
    labels: [],
    help: 'WAL that may still be written before PostgreSQL gives the slot up; absent where nothing limits it.',
  },
  scission_slot_seconds_left: {
    labels: [],
    help: 'Until PostgreSQL gives the slot up, as fast as what it keeps grew of late; absent where it does not grow, nothing limits it, or it was watched for less than a minute.',
  },
  scission_look_duration_seconds: { labels: [], help: 'How long the latest look at the split took.' },
  scission_look_age_seconds: { labels: [], help: 'How long ago the latest look came to its end.' },
} as const satisfies Readonly<Record<string, { readonly labels: readonly string[]; readonly help: string }>>

export type LagMetric = keyof typeof LAG_METRICS

export interface MetricSample {
  readonly metric: LagMetric
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const STATUSES: readonly (ConsumerStatus | 'unknown')[] = ['ok', 'warning', 'stall', 'stop', 'parked', 'unknown']
const ACTIVITIES: readonly Activity[] = ['waiting', 'loading', 'indexing', 'following', 'stalled', 'stopped', 'parked']
const BOUNDS: readonly Age['bound'][] = ['exact', 'at least', 'at most']

/** What a scrape tells of a look. What cannot be told is absent, which alerts can tell from 0; so is what is not configured. */
export function lagMetrics({ atMs, history, report, tookMs }: LagLook, nowMs: number): MetricSample[] {
  return [
    ...watchedServices(report).flatMap((lag) => [
      sample('scission_service_reachable', isKnown(lag), { service: lag.service }),
      ...STATUSES.map((status) =>
        sample('scission_service_status', status === lag.status, { service: lag.service, status }),
      ),
      ...(isKnown(lag) ? serviceMetrics(lag) : []),
    ]),
    ...monolithMetrics(report, history.slotSecondsLeft),
    sample('scission_look_duration_seconds', tookMs / 1_000),
    sample('scission_look_age_seconds', Math.max(0, nowMs - atMs) / 1_000),
  ]
}

type Labels = MetricSample['labels']

function sample(metric: LagMetric, value: number | boolean, labels: Labels = {}): MetricSample {
  return { metric, labels, value: Number(value) }
}

function known(metric: LagMetric, value: number | null, labels: Labels = {}): MetricSample[] {
  return value === null ? [] : [sample(metric, value, labels)]
}

function serviceMetrics(lag: ServiceLag): MetricSample[] {
  const { hops, loading, service } = lag
  const of = { service }
  const activity = activityOf(lag)
  return [
    ...ACTIVITIES.map((each) => sample('scission_service_activity', each === activity, { service, activity: each })),
    sample('scission_consumer_running', lag.isConsumed, of),
    ...hopMetrics(service, 'log', hops.toLog),
    ...hopMetrics(service, 'consumer', hops.toConsumer),
    ...hopMetrics(service, 'database', hops.toDatabase),
    sample('scission_pending_messages', lag.messages, of),
    sample('scission_pending_bytes', lag.bytes, of),
    sample('scission_applied_sequence', lag.streamSequence, of),
    sample('scission_stream_last_sequence', lag.lastSequence, of),
    sample('scission_applied_messages_per_second', lag.messagesPerSecond, of),
    sample('scission_snapshot_rows_loaded', loading.rows, of),
    ...known('scission_snapshot_rows_expected', loading.expectedRows, of),
    sample('scission_parked_changes', lag.parked, of),
    sample('scission_stopped', lag.stopped !== null, of),
    ...known('scission_last_error_age_seconds', lag.lastError?.secondsAgo ?? null, of),
  ]
}

function hopMetrics(service: string, hop: 'log' | 'consumer' | 'database', { bound, seconds }: Age): MetricSample[] {
  return [
    sample('scission_hop_lag_seconds', seconds, { service, hop }),
    ...BOUNDS.map((each) =>
      sample('scission_hop_lag_bound', each === bound, { service, hop, bound: each.replace(' ', '_') }),
    ),
  ]
}

function monolithMetrics(report: LagReport, secondsLeft: number | null): MetricSample[] {
  const { monolith } = report
  const broker = isBrokerReachable(report)
  const reachable = [
    ...(report.isMonolithUnwatched === true ? [] : [sample('scission_monolith_reachable', monolith !== null)]),
    ...known('scission_broker_reachable', broker === null ? null : Number(broker)),
  ]
  if (monolith === null) return reachable
  const { slot } = monolith
  if (slot === null) return [...reachable, sample('scission_slot_exists', 0)]
  return [
    ...reachable,
    sample('scission_slot_exists', 1),
    sample('scission_slot_followed', slot.isFollowed),
    sample('scission_slot_lost', slot.walStatus === 'lost'),
    sample('scission_slot_retained_bytes', slot.retainedBytes),
    sample('scission_slot_behind_bytes', slot.behindBytes),
    ...known('scission_slot_safe_bytes', slot.safeBytes),
    ...known('scission_slot_seconds_left', secondsLeft),
  ]
}
