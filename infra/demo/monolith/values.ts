import { AWKWARD_TEXTS, LONG_TEXTS } from './awkward-texts.ts'
import { AWKWARD_DOCUMENTS, AWKWARD_DOUBLES, AWKWARD_MOMENTS } from './awkward-values.ts'
import type { Cell } from './copy-text.ts'
import { itemAt, type Random } from './random.ts'
import { NOUNS, SENTENCES, SUBJECTS } from './vocabulary.ts'

/** One value in this many is an awkward one, past the rows at a table's beginning which hold each of them once. */
const AWKWARD_ONE_IN = 64

const FIRST_MOMENT_MS = Date.UTC(2021, 2, 1)
const YEARS_OF_USE_MS = 4 * 365 * 24 * 3_600_000

/**
 * A table's first rows take each item of the list in turn; the others an ordinary value, and now and then an item.
 * @param start the item at which the first row begins, so that two columns of a row do not hold the same one.
 */
function oftenOrdinary(
  random: Random,
  ordinal: number,
  start: number,
  awkward: readonly string[],
  ordinary: () => string,
): string {
  if (ordinal < awkward.length) return itemAt(awkward, ordinal + start)
  return random.below(AWKWARD_ONE_IN) === 0 ? random.pick(awkward) : ordinary()
}

/** A name as a person gives it, or an awkward text. */
export function nameAt(random: Random, ordinal: number, start = 0): string {
  return oftenOrdinary(random, ordinal, start, AWKWARD_TEXTS, () => plainName(random))
}

export function plainName(random: Random): string {
  return `${random.pick(SUBJECTS)} ${random.pick(NOUNS)} ${random.below(1000)}`
}

/** One to three sentences, or an awkward text, or a long one. */
export function proseAt(random: Random, ordinal: number, start = 0): string {
  return oftenOrdinary(random, ordinal, start, PROSE, () => plainProse(random))
}

const PROSE = [...LONG_TEXTS, ...AWKWARD_TEXTS]

function plainProse(random: Random): string {
  let prose = random.pick(SENTENCES)
  for (let more = random.below(3); more > 0; more -= 1) prose += ` ${random.pick(SENTENCES)}`
  return prose
}

/** @param ordinary makes the text of a usual document. */
export function documentAt(random: Random, ordinal: number, start: number, ordinary: () => string): string {
  return oftenOrdinary(random, ordinal, start, AWKWARD_DOCUMENTS, ordinary)
}

export function momentAt(random: Random, ordinal: number, start = 0): string {
  return oftenOrdinary(random, ordinal, start, AWKWARD_MOMENTS, () => momentText(millisecondsOfUse(random)))
}

/** Milliseconds since 1970 of some moment at which the application was in use. */
export function millisecondsOfUse(random: Random): number {
  return FIRST_MOMENT_MS + random.below(YEARS_OF_USE_MS)
}

/** @param milliseconds since 1970, UTC. */
export function momentText(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, -1)
}

export function doubleAt(random: Random, ordinal: number, start = 0): string {
  return oftenOrdinary(random, ordinal, start, AWKWARD_DOUBLES, () => String(random.below(4_000_000) / 1024 - 500))
}

/**
 * A value in `shown` of every `outOf` rows, and NULL in the others: no chance decides that both are there.
 * @param value is told how many values came before, so that NULLs take nothing away from a list of awkward ones.
 */
export function sparse(ordinal: number, shown: number, outOf: number, value: (nth: number) => Cell): Cell {
  const place = ordinal % outOf
  return place < shown ? value(Math.floor(ordinal / outOf) * shown + place) : null
}
