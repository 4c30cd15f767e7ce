import type pg from 'pg'
import type { Entity } from '../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../contracts/language/quoting.ts'
import { tableSql } from '../infra/postgres/digest-sql.ts'

/**
 * Moves the sequences of identity and serial columns past the loaded rows: COPY does not, so that the service's first
 * own insert would meet a number that is taken. A sequence never goes back. Manual: "Sequence Manipulation Functions".
 */
export async function advanceSequences(client: pg.Client, entity: Entity): Promise<void> {
  const { rows } = await client.query<{ column: string; sequence: string; edge: string }>(
    `SELECT attname AS column, seqrelid::text AS sequence, CASE WHEN seqincrement > 0 THEN 'max' ELSE 'min' END AS edge
       FROM pg_attribute JOIN pg_sequence ON seqrelid = pg_get_serial_sequence($1, attname)::regclass
      WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped
        AND atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)`,
    [tableSql(entity)],
  )
  for (const { column, sequence, edge } of rows)
    await client.query(
      `SELECT setval(seqrelid::regclass, edge)
         FROM pg_sequence, (SELECT ${edge}(${quoteIdentifier(column)})::bigint AS edge FROM ONLY ${tableSql(entity)}) AS loaded
        WHERE seqrelid = $1::oid AND edge BETWEEN seqmin AND seqmax
          AND (edge - coalesce(pg_sequence_last_value(seqrelid), edge - seqincrement)) * sign(seqincrement) > 0`,
      [sequence],
    )
}
