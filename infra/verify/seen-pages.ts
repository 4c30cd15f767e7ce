/**
 * Tells pages that come for the first time from repeated ones. The pages of a chunk come in order but for a publisher
 * that began again, so that a number a chunk is nearly all there is to remember.
 */
export class SeenPages {
  readonly #next = new Map<number, number>()
  readonly #ahead = new Map<number, Set<number>>()
  #count = 0

  /** How many different pages were seen. */
  get count(): number {
    return this.#count
  }

  /** Whether the page is new; it counts as seen from then on. */
  add(chunk: number, page: number): boolean {
    const next = this.#next.get(chunk) ?? 0
    const ahead = this.#ahead.get(chunk) ?? new Set()
    if (page < next || ahead.has(page)) return false
    this.#count += 1
    ahead.add(page)
    this.#ahead.set(chunk, ahead)
    this.#next.set(chunk, passContiguous(next, ahead))
    return true
  }
}

function passContiguous(next: number, ahead: Set<number>): number {
  let reached = next
  while (ahead.delete(reached)) reached += 1
  return reached
}
