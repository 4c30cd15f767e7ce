import type pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import type { EntityTotals } from '../contracts/wire/message.ts'
import { type Phase, STATE_VERSION } from '../infra/service-database/state-ddl.ts'

/** How far a service is, as its own database says: the truth from which every run goes on. */
export interface Checkpoint {
  /** 0 before the first epoch. */
  readonly epoch: number
  readonly systemId: string | null
  readonly phase: Phase
  /** A hint: every message up to it is applied. Checked by reading. */
  readonly streamSequence: number
}

/** The reading of an entity whose pages its table holds; attempt 0 before the first. */
export interface EntityState {
  readonly created: boolean
  readonly attempt: number
}

interface CheckpointRow {
  readonly state_version: string
  readonly contract_set: string
  readonly service: string
  readonly prefix: string
  readonly epoch: string
  readonly system_id: string | null
  readonly phase: Phase
  readonly stream_sequence: string
}

/**
 * Reads the checkpoint.
 * @throws Failure 4 where the database is not prepared, or belongs to another service or release.
 */
export async function readCheckpoint(
  client: pg.Client,
  own: { readonly contractSet: string; readonly service: string; readonly prefix: string },
): Promise<Checkpoint> {
  const known = await client.query<{ found: string | null }>("SELECT to_regclass('scission.checkpoint')::text AS found")
  const { rows } =
    known.rows[0]?.found == null
      ? { rows: [] }
      : await client.query<CheckpointRow>(
          `SELECT state_version::text, contract_set, service, prefix, epoch::text, system_id, phase, stream_sequence::text
             FROM scission.checkpoint`,
        )
  const row = rows[0]
  if (row === undefined)
    throw new Failure(4, `The database of service ${own.service} is not prepared: run prepare first.`)
  if (Number(row.state_version) !== STATE_VERSION)
    throw new Failure(
      4,
      `The database of service ${own.service} holds Scission's state of version ${row.state_version}, and this release needs ${STATE_VERSION}: use the release that prepared it.`,
    )
  if (row.contract_set !== own.contractSet || row.service !== own.service || row.prefix !== own.prefix)
    throw new Failure(
      4,
      `The database of service ${own.service} belongs to service ${row.service} of ${row.prefix}: correct its URL, or SCISSION_PREFIX.`,
    )
  return {
    epoch: Number(row.epoch),
    systemId: row.system_id,
    phase: row.phase,
    streamSequence: Number(row.stream_sequence),
  }
}

export async function readEntityStates(client: pg.Client): Promise<Map<string, EntityState>> {
  const { rows } = await client.query<{ entity: string; created: string; attempt: string }>(
    'SELECT entity, created, attempt::text FROM scission.entity',
  )
  return new Map(
    rows.map(({ entity, created, attempt }) => [entity, { created: created === 't', attempt: Number(attempt) }]),
  )
}

/** Enters a new epoch: what the tables hold is void, and each entity's first attempt will empty them. */
export async function enterEpoch(client: pg.Client, epoch: number, systemId: string): Promise<void> {
  await client.query(
    `UPDATE scission.checkpoint
        SET epoch = $1, system_id = $2, phase = 'loading', lsn = NULL, ordinal = NULL, changed_at = now()`,
    [epoch, systemId],
  )
  await client.query(
    `UPDATE scission.entity SET epoch = $1, attempt = 0, snapshot = NULL,
            expected_rows = NULL, expected_pages = NULL, expected_digest = NULL`,
    [epoch],
  )
  await client.query('DELETE FROM scission.ledger WHERE epoch < $1', [epoch])
}

/** Enters a new attempt of an entity: the ledger forgets the older pages in the transaction that empties the table. */
export async function enterAttempt(
  client: pg.Client,
  {
    epoch,
    entity,
    attempt,
    snapshot,
  }: { readonly epoch: number; readonly entity: string; readonly attempt: number; readonly snapshot: string },
): Promise<void> {
  await client.query('DELETE FROM scission.ledger WHERE entity = $1', [entity])
  await client.query(
    `UPDATE scission.entity SET epoch = $2, attempt = $3, snapshot = $4,
            expected_rows = NULL, expected_pages = NULL, expected_digest = NULL WHERE entity = $1`,
    [entity, epoch, attempt, snapshot],
  )
  await setPhase(client, 'loading')
}

/** Writes down what the manifest expects of an entity, for `verify` and for whoever looks. */
export async function storeExpectation(client: pg.Client, totals: EntityTotals): Promise<void> {
  await client.query(
    'UPDATE scission.entity SET expected_rows = $2, expected_pages = $3, expected_digest = $4 WHERE entity = $1',
    [totals.entity, totals.rows, totals.pages, totals.digest],
  )
}

export async function setPhase(client: pg.Client, phase: Phase): Promise<void> {
  await client.query('UPDATE scission.checkpoint SET phase = $1, changed_at = now() WHERE phase <> $1', [phase])
}

export async function storePosition(client: pg.Client, lsn: string): Promise<void> {
  await client.query('UPDATE scission.checkpoint SET lsn = $1, ordinal = NULL, changed_at = now()', [lsn])
}

/** The hint never goes back, whichever of two writers comes last. */
export async function storeStreamSequence(client: pg.Client, sequence: number): Promise<void> {
  await client.query(
    'UPDATE scission.checkpoint SET stream_sequence = $1, changed_at = now() WHERE stream_sequence < $1',
    [sequence],
  )
}

/** What the ledger holds of each entity: applied pages and rows. */
export async function readLedgerTotals(
  client: pg.Client,
  epoch: number,
): Promise<Map<string, { pages: number; rows: number }>> {
  const { rows } = await client.query<{ entity: string; pages: string; rows: string }>(
    `SELECT ledger.entity, count(*)::text AS pages, sum(ledger.rows)::text AS rows
       FROM scission.ledger JOIN scission.entity USING (entity, epoch, attempt)
      WHERE ledger.epoch = $1 GROUP BY ledger.entity`,
    [epoch],
  )
  return new Map(rows.map(({ entity, pages, rows: count }) => [entity, { pages: Number(pages), rows: Number(count) }]))
}
