import type { EntityTotals } from '../../contracts/wire/message.ts'
import type { StandingEntity } from './service-standing.ts'

/** What of the snapshot a service holds. */
export interface LoadingProgress {
  readonly rows: number
  /** Null where nothing tells it. */
  readonly expectedRows: number | null
  /** Whether the monolith's statistics tell it: the publisher has not read all tables yet. */
  readonly isEstimate: boolean
  /** Over the last seconds. */
  readonly rowsPerSecond: number
  /** Until all rows are there, at the present rate; null where nothing tells it. */
  readonly secondsLeft: number | null
  /** In the order of the contract. */
  readonly entities: readonly LoadedEntity[]
}

export interface LoadedEntity {
  readonly entity: string
  readonly rows: number
  readonly expectedRows: number | null
}

/** What is known of the rows of a service's tables, by their names in the contract. */
export interface RowCounts {
  /** What the database holds, and expects as far as it has read the log. */
  readonly held: readonly StandingEntity[]
  /** As the log counts them at the snapshot's end; null before that. */
  readonly totals: readonly Pick<EntityTotals, 'attempt' | 'entity' | 'rows'>[] | null
  /** As the monolith's statistics have them; null where nobody has asked. */
  readonly estimates: ReadonlyMap<string, number> | null
}

/** @param names of the tables in the contract, in its order. */
export function loadingProgress(names: readonly string[], counts: RowCounts, rowsPerSecond: number): LoadingProgress {
  const { estimates, held, totals } = counts
  let isEstimate = false
  const entities = names.map((entity) => {
    const { attempt = 0, expectedRows = null, rows = 0 } = held.find((each) => each.entity === entity) ?? {}
    const total = totals?.find((each) => each.entity === entity)
    // A table that was read anew is counted anew at its end.
    const counted = total !== undefined && total.attempt >= attempt ? total.rows : expectedRows
    if (counted === null) isEstimate = true
    return { entity, rows, expectedRows: counted ?? estimates?.get(entity) ?? null }
  })
  const rows = sum(entities.map((each) => each.rows))
  const isTold = entities.every(({ expectedRows }) => expectedRows !== null)
  // Statistics may be older than what is loaded already.
  const expectedRows = isTold ? Math.max(rows, sum(entities.map((each) => each.expectedRows ?? 0))) : null
  return {
    rows,
    expectedRows,
    isEstimate: isEstimate && expectedRows !== null,
    rowsPerSecond,
    secondsLeft: secondsLeft(rows, expectedRows, rowsPerSecond),
    entities,
  }
}

function secondsLeft(rows: number, expectedRows: number | null, perSecond: number): number | null {
  if (expectedRows === null) return null
  if (rows >= expectedRows) return 0
  return perSecond > 0 ? (expectedRows - rows) / perSecond : null
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
