/** Which transactions a snapshot shows, as `pg_current_snapshot()` prints it. Manual: "Transaction ID and Snapshot Information Functions". */
export interface Visibility {
  /** All transactions below it had ended. */
  readonly xmin: bigint
  /** None from it on had begun to be seen. */
  readonly xmax: bigint
  /** Those between the two that were in progress. */
  readonly inProgress: ReadonlySet<bigint>
}

/** @throws RangeError where the text is no snapshot such as `750:754:751,753`. */
export function parseVisibility(snapshot: string): Visibility {
  const [, xmin, xmax, inProgress] = /^(\d+):(\d+):([\d,]*)$/.exec(snapshot) ?? []
  if (xmin === undefined || xmax === undefined || inProgress === undefined)
    throw new RangeError(`Not a snapshot: ${JSON.stringify(snapshot)}`)
  const xids = inProgress === '' ? [] : inProgress.split(',').map(BigInt)
  return { xmin: BigInt(xmin), xmax: BigInt(xmax), inProgress: new Set(xids) }
}

/**
 * Whether a snapshot shows what a transaction did, which is known to have committed. By its id and never by its position:
 * commits become visible in another order than they are written.
 * @param xid of the top-level transaction, 64 bits wide.
 */
export function isVisible({ xmin, xmax, inProgress }: Visibility, xid: bigint): boolean {
  if (xid < xmin) return true
  return xid < xmax && !inProgress.has(xid)
}
