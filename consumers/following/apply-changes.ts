import pg from 'pg'
import { outageCause } from '../database-outage.ts'
import { applyOneByOne } from './apply-one-by-one.ts'
import { applyTogether } from './apply-together.ts'
import { OtherCount } from './change-sql.ts'
import { ImpossibleChange } from './fold-changes.ts'
import type { RowChange } from './row-change.ts'

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
