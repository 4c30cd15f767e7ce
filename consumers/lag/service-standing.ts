import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import { codeOf } from '../../infra/postgres/session.ts'
import { hasStateTable } from '../../infra/service-database/has-state-table.ts'
import { UNFINISHED_REPLAY_SQL } from '../../infra/service-database/has-unfinished-replay.ts'
import { leaseSql } from '../../infra/service-database/is-consumed.ts'
import { type Phase, STATE_VERSION } from '../../infra/service-database/state-ddl.ts'
import { CONSUMER_LEASE_NAME } from '../../infra/prepare/names.ts'
import type { Sample } from './judge-consumer.ts'

/** What a service's database tells of its consumer, at one moment. */
export interface ServiceStanding {
  readonly isConsumed: boolean
  /** Whether its tables are rebuilt from the log just now, or a replay was begun and not ended; null where neither. */
  readonly replay: 'running' | 'unfinished' | null
  readonly epoch: number
  /** When the log began that it reads, by which the log of another monolith or stream is told from it. */
  readonly epochStartedAt: string | null
  readonly phase: Phase
  readonly position: string | null
  readonly streamSequence: number
  readonly parked: number
  /** The first transaction that the tables do not take; `chosen`, where an operator has it set aside by the next run. */
  readonly stopped: StoppedTransaction | null
  readonly parkedChanges: readonly ParkedChanges[]
  readonly lastError: ToldError | null
  /** The oldest first. */
  readonly samples: readonly Sample[]
  /** What the tables hold of the snapshot, by their names in the contract. */
  readonly entities: readonly StandingEntity[]
}

export interface StoppedTransaction {
  readonly position: string
  readonly reason: string
  readonly state: 'stopped' | 'chosen'
}

/** A sentence, and how long ago it was said. */
export interface ToldError {
  readonly text: string
  readonly secondsAgo: number
}

/** Changes of one table in one transaction that wait (the first ten thousand are counted), with what the table or the operator had against the transaction. */
export interface ParkedChanges {
  readonly position: string
  readonly entity: string
  readonly changes: number
  readonly reason: string
}

export interface StandingEntity {
  readonly entity: string
  /** The attempt whose rows it holds; 0 before the first. */
  readonly attempt: number
  readonly rows: number
  /** As the log's end of the table has them; null before the consumer has read that. */
  readonly expectedRows: number | null
}

/** So many groups of parked changes are told of; `parked list` has all. */
const TOLD_PARKED = 20

/** So many changes are looked at for that: all of them may be very many. */
const COUNTED_PARKED = 10_000

/** `undefined_table`, `undefined_column`, `invalid_schema_name`: no state, or another release's. */
const OTHER_STATE = new Set(['42P01', '42703', '3F000'])

/**
 * Reads all in one statement, since whoever watches does it each second.
 * @throws Failure 4 where the database is not prepared, or by another release.
 */
export async function readServiceStanding(client: pg.Client, service: string): Promise<ServiceStanding> {
  try {
    const { rows } = await client.query<{ standing: string }>({
      // Planned once in a session that stays open.
      name: 'scission standing',
      text: STANDING_SQL,
      values: [CONSUMER_LEASE_NAME],
    })
    if (rows[0] === undefined) throw unprepared(service)
    const { version, ...standing } = JSON.parse(rows[0].standing) as ServiceStanding & { readonly version: number } // As the statement makes it.
    if (version !== STATE_VERSION) throw otherRelease(service, version)
    return standing
  } catch (error) {
    if (error instanceof Error && OTHER_STATE.has(codeOf(error))) await assertPrepared(client, service)
    throw error
  }
}

/** Numbers of JSON are exact up to 2^53, as all of these are. */
const STANDING_SQL = `
  SELECT json_build_object(
    'version', checkpoint.state_version, 'epoch', checkpoint.epoch, 'epochStartedAt', checkpoint.epoch_started_at,
    'phase', checkpoint.phase,
    'position', checkpoint.lsn::text, 'streamSequence', checkpoint.stream_sequence,
    'isConsumed', EXISTS (${leaseSql('$1')}),
    'replay', CASE
      WHEN EXISTS (SELECT FROM pg_stat_activity
                    WHERE datname = current_database() AND starts_with(application_name, 'scission replay')) THEN 'running'
      WHEN ${UNFINISHED_REPLAY_SQL} THEN 'unfinished' END,
    'parked', (SELECT count(*) FROM scission.parked_change),
    'stopped', (
      SELECT json_build_object('position', lsn::text, 'reason', reason, 'state', state) FROM scission.parked_transaction
       WHERE state <> 'parked' ORDER BY lsn LIMIT 1),
    'parkedChanges', (
      SELECT coalesce(json_agg(told), '[]') FROM (
        SELECT change.lsn::text AS position, change.entity, count(*) AS changes,
               coalesce(min(own.reason), 'it waits for an earlier one of the same row') AS reason
          FROM (SELECT lsn, entity FROM scission.parked_change ORDER BY lsn, ordinal LIMIT ${COUNTED_PARKED}) AS change
               LEFT JOIN scission.parked_transaction AS own USING (lsn)
         GROUP BY change.lsn, change.entity ORDER BY change.lsn, change.entity LIMIT ${TOLD_PARKED}) AS told),
    'lastError', (
      SELECT json_build_object('text', text, 'secondsAgo', greatest(0, extract(epoch FROM clock_timestamp() - told_at)::float8))
        FROM scission.last_error),
    'samples', (
      SELECT coalesce(json_agg(told), '[]') FROM (
        SELECT (extract(epoch FROM clock_timestamp() - sampled_at) * 1000)::float8 AS "ageMs", stream_sequence AS applied,
               read_sequence AS read, last_sequence AS last, loaded_rows AS "loadedRows",
               traffic
          FROM scission.sample ORDER BY sampled_at) AS told),
    'entities', (
      SELECT coalesce(json_agg(told), '[]') FROM (
        SELECT entity, attempt, expected_rows AS "expectedRows",
               CASE WHEN checkpoint.phase IN ('indexing', 'following') THEN coalesce(expected_rows, 0)
                    ELSE (SELECT coalesce(sum(ledger.rows), 0)::bigint FROM scission.ledger
                           WHERE (ledger.entity, ledger.epoch, ledger.attempt) = (entity.entity, entity.epoch, entity.attempt))
               END AS rows
          FROM scission.entity ORDER BY entity) AS told)
  )::text AS standing
    FROM scission.checkpoint`

async function assertPrepared(client: pg.Client, service: string): Promise<void> {
  if (!(await hasStateTable(client, 'checkpoint'))) throw unprepared(service)
  const { rows } = await client.query<{ version: string }>(
    'SELECT state_version::text AS version FROM scission.checkpoint',
  )
  if (rows[0] === undefined) throw unprepared(service)
  throw otherRelease(service, Number(rows[0].version))
}

function unprepared(service: string): Failure {
  return new Failure(4, `The database of service ${service} is not prepared: run prepare first.`)
}

function otherRelease(service: string, version: number): Failure {
  return new Failure(
    4,
    version === STATE_VERSION
      ? `The database of service ${service} lacks a part of Scission's state: run prepare again.`
      : `The database of service ${service} holds Scission's state of version ${version}, and this release needs ${STATE_VERSION}: use the release that prepared it.`,
  )
}
