import type { Cell } from './copy-text.ts'
import { type Random, randomFor, uuidsFor } from './random.ts'
import { type MonolithOptions, type Sizes, sizesFor } from './sizes.ts'

/** What the rows of a monolith are made from. */
export interface World {
  readonly sizes: Sizes
  /** A stream of random numbers of its own for each name. */
  readonly random: (name: string) => Random
  /** The ids of one kind of thing, by ordinal from 0. */
  readonly ids: (name: string) => (ordinal: number) => string
}

export type TableName = keyof Sizes

/** How a table's rows are made. */
export interface TableRows {
  readonly name: TableName
  readonly columns: readonly string[]
  /** The function it returns is called once for each ordinal, in ascending order from 0. */
  readonly rows: (world: World) => (ordinal: number) => readonly Cell[]
}

/** @throws Failure with exit code 2 where an option is out of its bounds. */
export function worldFor(options: MonolithOptions): World {
  return {
    sizes: sizesFor(options),
    random: (name) => randomFor(options.seed, name),
    ids: (name) => uuidsFor(options.seed, name),
  }
}
