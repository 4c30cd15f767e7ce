import type pg from 'pg'
import type { ContractSet, Service } from '../../contracts/language/contract-set.ts'
import { quoteLiteral } from '../../contracts/language/quoting.ts'
import { STATE_VERSION, stateDdl } from '../../infra/service-database/state-ddl.ts'
import type { RowVersions } from './row-versions.ts'
import type { ShadowObject } from './shadow-objects.ts'

/** Where a replay keeps how far its shadow tables are: the tables of a consumer's state, and `replay`. */
export const REPLAY_SCHEMA = 'scission_replay'

/** What a replay is of, and how far it is beyond what its checkpoint says. */
export interface ReplayRecord {
  /** The entities that are rebuilt: all of the service, or one. */
  readonly entities: readonly string[]
  /** What the tables in use were like when their shadows were made. */
  readonly fingerprint: string
  readonly beganAt: string
  /** The service's position at which its tables were compared with the shadows; null where they were not. */
  readonly comparedAt: string | null
  /** What the tables held then; null where they were not compared, or may be overwritten. */
  readonly versions: RowVersions | null
  /** `swapped` from the transaction on that put the shadows in place. */
  readonly stage: 'building' | 'swapped'
  /** What is left to be done of the foreign keys of other tables once the shadows are in place. */
  readonly validations: readonly string[]
}

/** A service that has applied no change yet stands there. */
export const AT_SNAPSHOT = 'snapshot'

/** Null where there is no replay that was begun and not ended. */
export async function readReplay(client: pg.Client): Promise<ReplayRecord | null> {
  const { rows: found } = await client.query<{ found: string | null }>('SELECT to_regclass($1)::text AS found', [
    `${REPLAY_SCHEMA}.replay`,
  ])
  if (found[0]?.found == null) return null
  const { rows } = await client.query<{ record: string }>(
    `SELECT json_build_object('entities', entities, 'fingerprint', fingerprint, 'comparedAt', compared_at, 'versions', versions,
                              'beganAt', to_char(began_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'stage', stage,
                              'validations', validations)::text AS record FROM ${REPLAY_SCHEMA}.replay`,
  )
  return rows[0] === undefined ? null : (JSON.parse(rows[0].record) as ReplayRecord) // As the statement makes it.
}

export interface NewReplay {
  readonly set: ContractSet
  readonly prefix: string
  /** With the entities that are rebuilt. */
  readonly service: Service
  readonly fingerprint: string
  /** What is to be built when the rows are loaded. */
  readonly objects: readonly ShadowObject[]
}

/** Makes the state of a replay that has read nothing, in the caller's transaction. */
export async function createReplayState(client: pg.Client, replay: NewReplay): Promise<void> {
  const { fingerprint, objects, prefix, service, set } = replay
  const names = service.entities.map(({ name }) => name)
  const marks = [set.name, service.name, prefix].map(quoteLiteral).join(', ')
  for (const statement of [...stateDdl(REPLAY_SCHEMA), REPLAY_DDL]) await client.query(statement)
  await client.query(
    `INSERT INTO ${REPLAY_SCHEMA}.checkpoint (state_version, contract_set, service, prefix) VALUES (${STATE_VERSION}, ${marks})`,
  )
  await client.query(
    `INSERT INTO ${REPLAY_SCHEMA}.entity (entity, created) SELECT name, true FROM unnest($1::text[]) AS name`,
    [names],
  )
  for (const { entity, kind, name, restore } of objects)
    await client.query(`INSERT INTO ${REPLAY_SCHEMA}.set_aside (entity, kind, name, restore) VALUES ($1, $2, $3, $4)`, [
      entity,
      kind,
      name,
      restore,
    ])
  await client.query(`INSERT INTO ${REPLAY_SCHEMA}.replay (entities, fingerprint) VALUES ($1, $2)`, [
    names,
    fingerprint,
  ])
}

const REPLAY_DDL = `CREATE TABLE ${REPLAY_SCHEMA}.replay (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  entities text[] NOT NULL,
  fingerprint text NOT NULL,
  began_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  compared_at text,
  versions json,
  stage text NOT NULL DEFAULT 'building' CHECK (stage IN ('building', 'swapped')),
  validations text[] NOT NULL DEFAULT '{}'
)`

/**
 * Chooses the transactions that an operator has set aside for the service's tables: the new ones do not take them either. To
 * be done when the snapshot is loaded, since an epoch that begins forgets what was chosen before.
 */
export async function chooseParkedAgain(client: pg.Client): Promise<void> {
  await client.query(
    `INSERT INTO ${REPLAY_SCHEMA}.parked_transaction (lsn, state, reason)
     SELECT lsn, 'chosen', reason FROM scission.parked_transaction WHERE state = 'parked' ON CONFLICT DO NOTHING`,
  )
}

/** @param versions what the tables held before they were compared; null where they may be overwritten. */
export async function storeCompared(client: pg.Client, position: string, versions: RowVersions | null): Promise<void> {
  await client.query(`UPDATE ${REPLAY_SCHEMA}.replay SET compared_at = $1, versions = $2`, [
    position,
    versions === null ? null : JSON.stringify(versions),
  ])
}

/** In the transaction that puts the shadows in place. */
export async function storeSwapped(client: pg.Client, validations: readonly string[]): Promise<void> {
  await client.query(`UPDATE ${REPLAY_SCHEMA}.replay SET stage = 'swapped', validations = $1`, [validations])
}

/** Forgets a replay; its tables are another matter. */
export async function dropReplayState(client: pg.Client): Promise<void> {
  await client.query(`DROP SCHEMA IF EXISTS ${REPLAY_SCHEMA} CASCADE`)
}

/**
 * Writes the ledger's new pages down beforehand, so that the swap is short. A consumer that comes between forgets them where
 * it enters the attempt that they are of.
 */
export async function copyLedger(client: pg.Client): Promise<void> {
  await client.query(`INSERT INTO scission.ledger SELECT * FROM ${REPLAY_SCHEMA}.ledger ON CONFLICT DO NOTHING`)
}

/**
 * Makes a whole service's state that of its replay, in the transaction in which its tables become the replay's. The service's
 * consumer goes on from there.
 */
export async function moveState(client: pg.Client): Promise<void> {
  await client.query(
    `UPDATE scission.checkpoint AS own
        SET system_id = new.system_id, epoch = new.epoch, epoch_started_at = new.epoch_started_at, phase = new.phase,
            consistency_point = new.consistency_point, lsn = new.lsn, stream_sequence = new.stream_sequence,
            stream_writer = new.stream_writer, changed_at = now()
       FROM ${REPLAY_SCHEMA}.checkpoint AS new`,
  )
  await client.query(
    `DELETE FROM scission.ledger AS own USING scission.entity AS held, ${REPLAY_SCHEMA}.entity AS new
      WHERE held.entity = new.entity AND (held.epoch, held.attempt) <> (new.epoch, new.attempt)
        AND own.entity = new.entity AND (own.epoch, own.attempt) <> (new.epoch, new.attempt)`,
  )
  await client.query(
    `UPDATE scission.entity AS own
        SET epoch = new.epoch, attempt = new.attempt, snapshot = new.snapshot, expected_rows = new.expected_rows,
            expected_pages = new.expected_pages, expected_digest = new.expected_digest
       FROM ${REPLAY_SCHEMA}.entity AS new WHERE own.entity = new.entity`,
  )
  await client.query(`INSERT INTO scission.shape SELECT * FROM ${REPLAY_SCHEMA}.shape ON CONFLICT DO NOTHING`)
  await client.query('DELETE FROM scission.sample; DELETE FROM scission.last_error')
  await client.query('DELETE FROM scission.parked_change; DELETE FROM scission.parked_transaction')
  await client.query(
    `INSERT INTO scission.parked_transaction SELECT * FROM ${REPLAY_SCHEMA}.parked_transaction WHERE state = 'parked';
     INSERT INTO scission.parked_change SELECT * FROM ${REPLAY_SCHEMA}.parked_change`,
  )
}

/** Tables that were missing and are Scission's own work now. */
export async function markCreated(client: pg.Client, entities: readonly string[]): Promise<void> {
  await client.query('UPDATE scission.entity SET created = true WHERE entity = ANY ($1::text[])', [entities])
}
