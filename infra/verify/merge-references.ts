/** Rows that refer to one target: its key as `referenceKeySql` writes it, and how many rows name it. */
export interface Referring {
  readonly key: string
  readonly rows: number
}

export interface ReferenceCounts {
  readonly rows: number
  readonly withoutTarget: number
}

/**
 * Counts the rows whose target is not there, from both sides in ascending order of their keys, each key of the
 * referring side once. Both come in batches, of which one each is in memory; targets are read no further than needed.
 */
export async function countWithoutTarget(
  referring: AsyncIterable<readonly Referring[]>,
  targets: AsyncIterable<readonly string[]>,
): Promise<ReferenceCounts> {
  const reader = targets[Symbol.asyncIterator]()
  let batch: readonly string[] | null = []
  let place = 0
  let [rows, withoutTarget] = [0, 0]
  try {
    for await (const group of referring)
      for (const { key, rows: naming } of group) {
        for (;;) {
          while (batch !== null && place < batch.length && isBefore(batch[place], key)) place += 1
          if (batch === null || place < batch.length) break
          const next: IteratorResult<readonly string[]> = await reader.next()
          batch = next.done === true ? null : next.value
          place = 0
        }
        rows += naming
        if (batch?.[place] !== key) withoutTarget += naming
      }
  } finally {
    await reader.return?.()
  }
  return { rows, withoutTarget }
}

function isBefore(target: string | undefined, key: string): boolean {
  return target !== undefined && target < key
}
