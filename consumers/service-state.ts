import type pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import type { ContractSet, Service } from '../contracts/language/contract-set.ts'
import type { AttemptControl, ContractControl, EntityTotals, EpochControl, Shape } from '../contracts/wire/message.ts'
import { shapeHash } from '../contracts/wire/shape.ts'
import { hasStateTable } from '../infra/service-database/has-state-table.ts'
import { type Phase, STATE_VERSION } from '../infra/service-database/state-ddl.ts'
import { forgetAll, forgetEntities } from './parked/parked-store.ts'

/** How far a service is, as its own database says: the truth from which every run goes on. */
export interface Checkpoint {
  /** 0 before the first epoch. */
  readonly epoch: number
  /** When the publisher began that epoch, in its own words. */
  readonly epochStartedAt: string | null
  /** The system identifier of the monolith that the epoch is of; null before the first. */
  readonly systemId: string | null
  readonly phase: Phase
  /** The position of the last transaction that is applied; null before the first. */
  readonly lsn: string | null
  /** A hint: every message up to it is applied. Checked by reading. */
  readonly streamSequence: number
  /** Who wrote the message at that sequence. */
  readonly writer: string
  /** The attempt of each entity of the contract whose pages its table holds; 0 before the first. */
  readonly attempts: ReadonlyMap<string, number>
  /** The snapshot of each attempt, as `pg_current_snapshot()` gave it. */
  readonly snapshots: ReadonlyMap<string, string | null>
}

interface CheckpointRow {
  readonly state_version: string
  readonly contract_set: string
  readonly service: string
  readonly prefix: string
  readonly epoch: string
  readonly epoch_started_at: string | null
  readonly system_id: string | null
  readonly phase: Phase
  readonly lsn: string | null
  readonly stream_sequence: string
  readonly stream_writer: string
}

/** Whose database it must be. */
export interface Owner {
  readonly set: ContractSet
  readonly service: Service
  readonly prefix: string
}

/**
 * Reads the checkpoint.
 * @throws Failure 4 where the database is not prepared, or belongs to another service or release.
 */
export async function readCheckpoint(client: pg.Client, owner: Owner): Promise<Checkpoint> {
  const row = await readCheckpointRow(client)
  const refused = row === null ? 'is not prepared: run prepare first' : otherOwner(row, owner)
  if (row === null || refused !== null)
    throw new Failure(4, `The database of service ${owner.service.name} ${refused}.`)
  return {
    epoch: Number(row.epoch),
    epochStartedAt: row.epoch_started_at,
    systemId: row.system_id,
    phase: row.phase,
    lsn: row.lsn,
    streamSequence: Number(row.stream_sequence),
    writer: row.stream_writer,
    ...(await readAttempts(client, owner.service)),
  }
}

async function readCheckpointRow(client: pg.Client): Promise<CheckpointRow | null> {
  if (!(await hasStateTable(client, 'checkpoint'))) return null
  const { rows } = await client.query<CheckpointRow>(
    `SELECT state_version::text, contract_set, service, prefix, epoch::text, epoch_started_at, system_id, phase, lsn::text,
            stream_sequence::text, stream_writer
       FROM checkpoint`,
  )
  return rows[0] ?? null
}

function otherOwner(row: CheckpointRow, { set, service, prefix }: Owner): string | null {
  if (Number(row.state_version) !== STATE_VERSION)
    return `holds Scission's state of version ${row.state_version}, and this release needs ${STATE_VERSION}: use the release that prepared it`
  if (row.contract_set === set.name && row.service === service.name && row.prefix === prefix) return null
  return `belongs to service ${row.service} of the contract set ${row.contract_set} with the prefix ${row.prefix}: correct its URL, SCISSION_PREFIX or SCISSION_CONTRACTS`
}

async function readAttempts(client: pg.Client, service: Service): Promise<Pick<Checkpoint, 'attempts' | 'snapshots'>> {
  // What the contract does not have any more is nobody's business here.
  const { rows } = await client.query<{ entity: string; attempt: string; snapshot: string | null }>(
    'SELECT entity, attempt::text, snapshot FROM entity WHERE entity = ANY ($1)',
    [service.entities.map(({ name }) => name)],
  )
  const attempts = new Map(rows.map(({ entity, attempt }) => [entity, Number(attempt)]))
  const missing = service.entities.find(({ name }) => !attempts.has(name))
  if (missing === undefined) return { attempts, snapshots: new Map(rows.map((row) => [row.entity, row.snapshot])) }
  throw new Failure(
    4,
    `The database of service ${service.name} is not prepared for ${missing.name}: run prepare again, with the contract set that is used now.`,
  )
}

/**
 * Enters a new epoch: what the tables hold is void, with what is parked, and each entity's first attempt will empty them.
 * @param sequence the sequence of the epoch's first message.
 */
export async function enterEpoch(
  client: pg.Client,
  { epoch, startedAt, systemId }: EpochControl,
  sequence: number,
): Promise<void> {
  await client.query(
    `UPDATE checkpoint
        SET epoch = $1, epoch_started_at = $2, system_id = $3, phase = 'loading', lsn = NULL,
            consistency_point = NULL, stream_sequence = $4, stream_writer = '', changed_at = now()`,
    [epoch, startedAt, systemId, sequence - 1],
  )
  // The epoch of each entity stays that of the rows that its table holds, until its first attempt empties it.
  await client.query(
    `UPDATE entity SET attempt = 0, snapshot = NULL,
            expected_rows = NULL, expected_pages = NULL, expected_digest = NULL`,
  )
  await client.query('DELETE FROM ledger WHERE epoch < $1', [epoch])
  await client.query('DELETE FROM sample')
  await forgetAll(client)
}

/** Whether the entity's table was never filled by Scission, so that rows in it are somebody's. */
export async function isUnfilled(client: pg.Client, entity: string): Promise<boolean> {
  const { rowCount } = await client.query('SELECT FROM entity WHERE entity = $1 AND epoch = 0', [entity])
  return rowCount === 1
}

/**
 * Enters a new attempt of an entity: the ledger forgets the older pages, and what is parked is void, in the transaction
 * that empties the table.
 */
export async function enterAttempt(
  client: pg.Client,
  { epoch, entity, attempt, snapshot }: AttemptControl,
): Promise<void> {
  await client.query('DELETE FROM ledger WHERE entity = $1', [entity])
  await forgetEntities(client, [entity])
  await client.query(
    `UPDATE entity SET epoch = $2, attempt = $3, snapshot = $4,
            expected_rows = NULL, expected_pages = NULL, expected_digest = NULL WHERE entity = $1`,
    [entity, epoch, attempt, snapshot],
  )
  await setPhase(client, 'loading')
}

/** Writes down what the manifest expects of an entity, for `verify` and for whoever looks. */
export async function storeExpectation(client: pg.Client, totals: EntityTotals): Promise<void> {
  await client.query(
    'UPDATE entity SET expected_rows = $2, expected_pages = $3, expected_digest = $4 WHERE entity = $1',
    [totals.entity, totals.rows, totals.pages, totals.digest],
  )
}

/** What the manifest says of each entity, by its name: rows, and the monolith's own digest of them. */
export async function readExpectations(client: pg.Client): Promise<Map<string, { rows: number; digest: string }>> {
  const { rows } = await client.query<{ entity: string; rows: string; digest: string }>(
    `SELECT entity, expected_rows::text AS rows, expected_digest AS digest FROM entity
      WHERE expected_rows IS NOT NULL AND expected_digest IS NOT NULL`,
  )
  return new Map(rows.map((row) => [row.entity, { rows: Number(row.rows), digest: row.digest }]))
}

export async function setPhase(client: pg.Client, phase: Phase): Promise<void> {
  await client.query('UPDATE checkpoint SET phase = $1, changed_at = now() WHERE phase <> $1', [phase])
}

/** From there on the tables are exact together. It never goes back within an epoch. */
export async function storeConsistencyPoint(client: pg.Client, lsn: string): Promise<void> {
  await client.query('UPDATE checkpoint SET consistency_point = greatest(consistency_point, $1), changed_at = now()', [
    lsn,
  ])
}

export interface PositionAdvance {
  readonly epoch: number
  /** Where the service stood, as this consumer knows it. */
  readonly from: string | null
  readonly to: string
}

/**
 * Advances the service's position, in the transaction that applied the changes up to it.
 * @throws Failure 4 where somebody else has advanced it: then these changes may be applied already.
 */
export async function advancePosition(
  client: pg.Client,
  service: string,
  { epoch, from, to }: PositionAdvance,
): Promise<void> {
  // Prepared once a session: each batch ends with it.
  const { rowCount } = await client.query({
    name: 'scission advance position',
    text: `UPDATE checkpoint SET lsn = $1::pg_lsn, changed_at = now()
            WHERE epoch = $2 AND phase = 'following' AND lsn IS NOT DISTINCT FROM $3::pg_lsn`,
    values: [to, epoch, from],
  })
  if (rowCount === 1) return
  throw new Failure(
    4,
    `Service ${service}: its checkpoint is not at ${from ?? 'its beginning'} any more, so somebody else applies its log: find out who writes to scission.checkpoint, then run consume again.`,
  )
}

/** What the stream had at the hint is gone with the broker's store: it is read again from behind this message. */
export async function lowerHint(client: pg.Client, sequence: number): Promise<void> {
  await client.query(
    `UPDATE checkpoint SET stream_sequence = $1, stream_writer = '', changed_at = now() WHERE stream_sequence > $1`,
    [sequence],
  )
  await client.query('DELETE FROM sample')
}

/** So many samples are kept, one a second. */
export const SAMPLES = 16

/** Where a consumer is in its stream. */
export interface StreamProgress {
  /** All messages up to it are applied. */
  readonly sequence: number
  /** Who wrote that message. */
  readonly writer: string
  /** All messages up to it are applied, or wait in the log until the tables are complete. */
  readonly passedSequence: number
  /** The last message that was read, and the stream's last one then. */
  readonly readSequence: number
  readonly lastSequence: number
  /** Bytes that passed in the sessions that load and change rows. */
  readonly traffic: number
}

/**
 * The hint never goes back within an epoch. A sample of it takes the place of the oldest, also where it has not moved: that
 * somebody was there tells a consumer that waits from one that hangs. Nobody waits for a disk here: what a crash takes of it
 * is read again. Manual: "Asynchronous Commit".
 */
export async function storeProgress(
  client: pg.Client,
  { sequence, writer, passedSequence, readSequence, lastSequence, traffic }: StreamProgress,
): Promise<void> {
  await client.query({
    name: 'scission store progress',
    text: `WITH moved AS (
       UPDATE checkpoint SET stream_sequence = $1, stream_writer = $2, changed_at = now() WHERE stream_sequence < $1
     )
     INSERT INTO sample AS kept (place, sampled_at, stream_sequence, read_sequence, last_sequence, loaded_rows, traffic)
       SELECT extract(epoch FROM clock_timestamp())::bigint % ${SAMPLES}, clock_timestamp(),
              greatest($6, checkpoint.stream_sequence), $3, $4, ${LOADED_ROWS}, $5
         FROM set_config('synchronous_commit', 'off', true), checkpoint
     ON CONFLICT (place)
       DO UPDATE SET sampled_at = excluded.sampled_at, stream_sequence = excluded.stream_sequence,
                     read_sequence = excluded.read_sequence, last_sequence = excluded.last_sequence,
                     loaded_rows = excluded.loaded_rows, traffic = excluded.traffic`,
    values: [sequence, writer, readSequence, lastSequence, traffic, passedSequence],
  })
}

/** Counted while a service loads alone: the ledger of a large one has many rows. */
const LOADED_ROWS = `
  CASE WHEN checkpoint.phase = 'loading' THEN (
    SELECT coalesce(sum(ledger.rows), 0) FROM ledger JOIN entity USING (entity, epoch, attempt)
     WHERE ledger.epoch = checkpoint.epoch
  ) END`

/** A later run reads pages of the shape without the message that described it. */
export async function storeShape(client: pg.Client, { hash, shape }: ContractControl): Promise<void> {
  await client.query('INSERT INTO shape (hash, shape) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    hash,
    JSON.stringify(shape),
  ])
}

/** Shapes by their hashes; one that does not have its own is not one that was stored. */
export async function readShapes(client: pg.Client): Promise<Map<string, Shape>> {
  const { rows } = await client.query<{ hash: string; shape: string }>('SELECT hash, shape FROM shape')
  return new Map(
    rows.flatMap(({ hash, shape: text }) => {
      const shape = JSON.parse(text) as Shape // Its hash proves it.
      return shapeHash(shape) === hash ? [[hash, shape]] : []
    }),
  )
}

/** What the ledger holds of each entity's present attempt: applied pages and rows. */
export async function readLedgerTotals(
  client: pg.Client,
  epoch: number,
): Promise<Map<string, { pages: number; rows: number }>> {
  const { rows } = await client.query<{ entity: string; pages: string; rows: string }>(
    `SELECT ledger.entity, count(*)::text AS pages, sum(ledger.rows)::text AS rows
       FROM ledger JOIN entity USING (entity, epoch, attempt)
      WHERE ledger.epoch = $1 GROUP BY ledger.entity`,
    [epoch],
  )
  return new Map(rows.map(({ entity, pages, rows: count }) => [entity, { pages: Number(pages), rows: Number(count) }]))
}
