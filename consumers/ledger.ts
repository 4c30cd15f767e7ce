import pg from 'pg'
import type { TakenPage } from './pending-page.ts'

/**
 * A page that was not in the ledger when it was looked for, and was when the transaction that loaded it was to commit:
 * it came in by another way. Nothing of that transaction is stored, and the reading must begin again.
 */
export class LedgerConflict extends Error {}

const UNIQUE_VIOLATION = '23505'

/** @returns the names, as `pageName` makes them, of those pages that the ledger has. */
export async function findInLedger(client: pg.Client, pages: readonly TakenPage[]): Promise<Set<string>> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT format('%s/%s/%s/%s/%s', epoch, attempt, chunk, page, entity) AS name
       FROM ledger
       JOIN unnest($1::bigint[], $2::text[], $3::integer[], $4::integer[], $5::integer[])
            AS wanted (epoch, entity, attempt, chunk, page) USING (epoch, entity, attempt, chunk, page)`,
    identityColumns(pages),
  )
  return new Set(rows.map(({ name }) => name))
}

/**
 * Enters pages in the ledger, at the end of the transaction that has copied them. There is no ON CONFLICT: their rows are
 * in the table by now, so that a page which is entered already must undo them.
 * @throws LedgerConflict where one is.
 */
export async function enterInLedger(client: pg.Client, pages: readonly TakenPage[]): Promise<void> {
  try {
    await client.query(
      `INSERT INTO ledger (epoch, entity, attempt, chunk, page, rows)
       SELECT * FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::integer[], $5::integer[], $6::bigint[])
        ORDER BY 1, 2, 3, 4, 5`,
      [...identityColumns(pages), pages.map(({ header }) => header.rowCount)],
    )
  } catch (cause) {
    if (!(cause instanceof pg.DatabaseError) || cause.code !== UNIQUE_VIOLATION || cause.table !== 'ledger') throw cause
    throw new LedgerConflict(`The ledger has a page already (${cause.detail ?? 'of those just copied'})`, { cause })
  }
}

function identityColumns(pages: readonly TakenPage[]): (string | number)[][] {
  return [
    pages.map(({ header }) => header.epoch),
    pages.map(({ entity }) => entity.name),
    pages.map(({ header }) => header.attempt),
    pages.map(({ header }) => header.chunk),
    pages.map(({ header }) => header.page),
  ]
}
