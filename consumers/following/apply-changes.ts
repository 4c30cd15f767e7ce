import pg from 'pg'
import { outageCause } from '../database-outage.ts'
import { applyOneByOne } from './apply-one-by-one.ts'
import { applyTogether } from './apply-together.ts'
import { OtherCount } from './change-sql.ts'
import { applyColumns, type ColumnRun } from './apply-columns.ts'
import { changesOf, type Piece } from './batch.ts'
import { ImpossibleChange } from './fold-changes.ts'
import type { RowChange } from './row-change.ts'

/**
 * Applies pieces of transactions in their order, those that have columns by these alone. What their statements do not
 * take is applied as `applyChanges` does, which folds several changes of one row.
 * @param savepoint as there.
 * @returns as there.
 */
export async function applyPieces(client: pg.Client, pieces: readonly Piece[], savepoint: string): Promise<boolean> {
  if (!pieces.some(({ columns }) => columns !== undefined))
    return await applyChanges(client, changesOf(pieces), savepoint)
  try {
    for (const alike of alikePieces(pieces)) await applyAlike(client, alike)
    return false
  } catch (error) {
    if (!mayDependOnOrder(error)) throw error
    await client.query(`ROLLBACK TO ${savepoint}`)
    return await applyChanges(client, changesOf(pieces), savepoint)
  }
}

async function applyAlike(client: pg.Client, pieces: readonly Piece[]): Promise<void> {
  const [first, ...more] = pieces.flatMap(({ columns }) => columns ?? [])
  if (first === undefined) await applyTogether(client, changesOf(pieces))
  else await applyColumns(client, [first, ...more])
}

/** Neighbours that go in one statement, or that have no columns. */
function alikePieces(pieces: readonly Piece[]): Piece[][] {
  const groups: Piece[][] = []
  for (const piece of pieces) {
    const group = groups.at(-1)
    if (group?.[0] !== undefined && areAlike(group[0].columns, piece.columns)) group.push(piece)
    else groups.push([piece])
  }
  return groups
}

function areAlike(one: ColumnRun | undefined, other: ColumnRun | undefined): boolean {
  return one?.op === other?.op && one?.table === other?.table
}

/**
 * Applies changes of whole or part transactions, by as few statements as it can.
 * @param savepoint where the caller's transaction stands: it goes back there before it applies them one by one.
 * @returns whether it had to.
 * @throws RefusedChange for the first that a table does not take.
 */
export async function applyChanges(
  client: pg.Client,
  changes: readonly RowChange[],
  savepoint: string,
): Promise<boolean> {
  try {
    await applyTogether(client, changes)
    return false
  } catch (error) {
    if (!mayDependOnOrder(error)) throw error
    await client.query(`ROLLBACK TO ${savepoint}`)
    await applyOneByOne(client, changes)
    return true
  }
}

/** SQLSTATE classes of constraints and of values. */
const OF_ROWS = /^2[23]/

/** Whether it may be the folding that met a constraint, where one after the other the changes would not. */
function mayDependOnOrder(error: unknown): boolean {
  if (error instanceof ImpossibleChange || error instanceof OtherCount) return true
  return error instanceof pg.DatabaseError && outageCause(error) === null && OF_ROWS.test(error.code ?? '')
}
