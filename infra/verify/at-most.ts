/**
 * Runs a task for each item, at most `width` at a time, and returns the results in the items' order. After a failure no
 * further task begins; it is thrown when those under way have ended.
 */
export async function atMost<Item, Result>(
  width: number,
  items: readonly Item[],
  task: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const waiting = [...items.entries()]
  const results: Result[] = []
  const workers = Array.from({ length: Math.min(width, items.length) }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, item] = next
      try {
        results[index] = await task(item)
      } catch (error) {
        waiting.length = 0
        throw error
      }
    }
  })
  const failed = (await Promise.allSettled(workers)).find((worker) => worker.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return results
}
