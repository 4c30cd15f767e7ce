/** A number from 0 up to, but without, `bound`. */
export type Random = (bound: number) => number

/** Mulberry32: the same numbers for the same seed on every machine. Good enough for test data, for nothing else. */
export function seededRandom(seed: number): Random {
  let state = seed | 0
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound)
  }
}

/** One of the items. @throws RangeError where there is none. */
export function choose<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[random(items.length)]
  if (item === undefined) throw new RangeError('There is nothing to choose from.')
  return item
}
