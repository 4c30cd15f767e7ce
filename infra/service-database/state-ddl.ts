/** The version of the tables below; a database with another one belongs to another release. */
export const STATE_VERSION = 3

/** What a service is doing, as its checkpoint has it. */
export type Phase = 'waiting' | 'loading' | 'indexing' | 'following'

/**
 * Scission's own tables in a service's database. The rows of a service and its place in the log are written in one
 * transaction, so they must live in one database. Each statement can be run again.
 *
 * `checkpoint` has one row: how far the service is. `lsn` is the position of the last transaction that is applied, and
 *   `consistency_point` the one from which the tables are exact together; `stream_sequence` is a hint, all messages up to
 *   it are applied.
 *   `epoch_started_at` tells the log's epoch from that of another log, and `stream_writer`, who wrote the message at
 *   `stream_sequence`, tells the message from another one.
 * `entity` has a row for each table: whether `prepare` created it, and the attempt whose pages it holds.
 * `ledger` has a row for each page applied: its identity, so that a page that comes again is not copied again.
 * `shape` has the shapes that the log described, as JSON by their hashes.
 * `verification` has the requests of `verify` to see the database as of one point of the log, while it is followed.
 * `parked_transaction` has the transactions that a table did not take (`stopped`), that an operator has chosen to be set
 *   aside (`chosen`), and that are (`parked`); `parked_change` has the changes that wait, those of later transactions to the
 *   same rows among them. `key` and `new_key` are keys as JSON, null for a truncate and where the key stays.
 * `sample` has a row for each of the last seconds in which the consumer was at work or waited for messages: up to which
 *   one all was applied (or waits in the log until the tables are complete), which one it had read, where the stream ended then, and how many rows of pages it held while it
 *   loaded; and how many bytes had passed in the sessions that load and change rows.
 * `last_error` has the last sentence of what was wrong that the consumer told of, and when that was.
 * `set_aside` has what was dropped for the loading, with the statements that put it back exactly as it was.
 */
export const STATE_DDL: readonly string[] = [
  'CREATE SCHEMA IF NOT EXISTS scission',
  `CREATE TABLE IF NOT EXISTS scission.checkpoint (
     only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
     state_version integer NOT NULL,
     contract_set text NOT NULL,
     service text NOT NULL,
     prefix text NOT NULL,
     system_id text,
     epoch bigint NOT NULL DEFAULT 0,
     epoch_started_at text,
     consistency_point pg_lsn,
     lsn pg_lsn,
     stream_sequence bigint NOT NULL DEFAULT 0,
     stream_writer text NOT NULL DEFAULT '',
     phase text NOT NULL DEFAULT 'waiting' CHECK (phase IN ('waiting', 'loading', 'indexing', 'following')),
     changed_at timestamptz NOT NULL DEFAULT pg_catalog.now()
   )`,
  `CREATE TABLE IF NOT EXISTS scission.entity (
     entity text PRIMARY KEY,
     created boolean NOT NULL,
     epoch bigint NOT NULL DEFAULT 0,
     attempt integer NOT NULL DEFAULT 0,
     snapshot text,
     expected_rows bigint,
     expected_pages bigint,
     expected_digest text
   )`,
  `CREATE TABLE IF NOT EXISTS scission.ledger (
     epoch bigint NOT NULL,
     entity text NOT NULL,
     attempt integer NOT NULL,
     chunk integer NOT NULL,
     page integer NOT NULL,
     rows bigint NOT NULL,
     PRIMARY KEY (epoch, entity, attempt, chunk, page)
   )`,
  `CREATE TABLE IF NOT EXISTS scission.shape (
     hash text PRIMARY KEY,
     shape text NOT NULL
   )`,
  `CREATE TABLE IF NOT EXISTS scission.set_aside (
     ordinal bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     entity text NOT NULL,
     kind text NOT NULL CHECK (kind IN ('index', 'constraint', 'foreign key')),
     name text NOT NULL,
     restore text[] NOT NULL,
     UNIQUE (entity, kind, name)
   )`,
  `CREATE TABLE IF NOT EXISTS scission.verification (
     id text PRIMARY KEY,
     requested_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
     point pg_lsn,
     snapshot text,
     is_seen boolean NOT NULL DEFAULT false
   )`,
  `CREATE TABLE IF NOT EXISTS scission.parked_transaction (
     lsn pg_lsn PRIMARY KEY,
     state text NOT NULL CHECK (state IN ('stopped', 'chosen', 'parked')),
     reason text NOT NULL,
     noted_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
   )`,
  `CREATE TABLE IF NOT EXISTS scission.parked_change (
     lsn pg_lsn NOT NULL,
     ordinal bigint NOT NULL,
     entity text NOT NULL,
     key text,
     new_key text,
     change text NOT NULL,
     parked_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
     PRIMARY KEY (lsn, ordinal)
   )`,
  `CREATE TABLE IF NOT EXISTS scission.sample (
     place smallint PRIMARY KEY,
     sampled_at timestamptz NOT NULL,
     stream_sequence bigint NOT NULL,
     read_sequence bigint NOT NULL,
     last_sequence bigint NOT NULL,
     loaded_rows bigint,
     traffic bigint NOT NULL DEFAULT 0
   )`,
  `CREATE TABLE IF NOT EXISTS scission.last_error (
     only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
     text text NOT NULL,
     told_at timestamptz NOT NULL
   )`,
  // Keys may be longer than what a B-tree takes.
  'CREATE INDEX IF NOT EXISTS parked_change_key ON scission.parked_change USING hash (key)',
  'CREATE INDEX IF NOT EXISTS parked_change_new_key ON scission.parked_change USING hash (new_key)',
]

/** The same tables in another schema, whose name needs no quotes: a replay has a state of its own there. */
export function stateDdl(schema: string): string[] {
  return STATE_DDL.map((statement) => statement.replace(/\bscission\b/g, schema))
}
