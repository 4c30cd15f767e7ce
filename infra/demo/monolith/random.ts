/** A stream of numbers that depends on its seed alone. */
export interface Random {
  /** A whole number from 0 up to, and without, the limit. */
  readonly below: (limit: number) => number
  readonly pick: <T>(list: readonly T[]) => T
}

const WORDS = 2 ** 32

/**
 * A generator of its own for each name, so that a change in one table's rows leaves the others' as they were:
 * xoshiro128** (Blackman and Vigna, 2018), its state filled by the seed's words.
 */
export function randomFor(seed: number, name: string): Random {
  let [a, b, c, d] = seedWords(seed, name)
  const next = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = rotate(d, 11)
    return result
  }
  const below = (limit: number): number => Math.floor((next() / WORDS) * limit)
  return { below, pick: (list) => itemAt(list, below(list.length)) }
}

/**
 * The version 4 UUIDs of one kind of thing, each a function of its ordinal: rows can name rows that are not made yet,
 * and no list of ids is held in memory. No two ordinals below 2^32 share one: the first word alone
 * tells them apart.
 */
export function uuidsFor(seed: number, name: string): (ordinal: number) => string {
  const [k0, k1, k2, k3] = seedWords(seed, `id of ${name}`)
  return (ordinal) => {
    const a = mix(ordinal ^ k0)
    const b = mix(a + k1)
    const c = mix(b + k2)
    return uuidText(a, (b & 0xffff0fff) | 0x4000, (c & 0x3fffffff) | 0x80000000, mix(c + k3))
  }
}

/** The item at a position counted modulo the list's length. @throws RangeError where the list is empty. */
export function itemAt<T>(list: readonly T[], position: number): T {
  const item = list[position % list.length]
  if (item === undefined) throw new RangeError(`No item at ${position} of ${list.length}`)
  return item
}

/** Four words by SplitMix32's steps from a seed and a name (FNV-1a); never all zero, which xoshiro could not leave. */
function seedWords(seed: number, name: string): [number, number, number, number] {
  let hash = mix(seed >>> 0) ^ mix(Math.floor(seed / WORDS) + 1)
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193)
  const word = (step: number): number => mix(hash + Math.imul(step, 0x9e3779b9))
  return [word(1), word(2), word(3), word(4) | 1]
}

/** MurmurHash3's finalizer: a bijection of 32-bit words. */
function mix(word: number): number {
  let mixed = word | 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}

const HEXADECIMAL = Array.from({ length: 65_536 }, (_, pair) => pair.toString(16).padStart(4, '0'))

function uuidText(a: number, b: number, c: number, d: number): string {
  return `${high(a)}${low(a)}-${high(b)}-${low(b)}-${high(c)}-${low(c)}${high(d)}${low(d)}`
}

function high(word: number): string {
  return itemAt(HEXADECIMAL, word >>> 16)
}

function low(word: number): string {
  return itemAt(HEXADECIMAL, word & 0xffff)
}
