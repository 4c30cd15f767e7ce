import { itemAt, type Random } from '../random.ts'
import { AWKWARD_MOMENTS } from '../awkward-values.ts'
import { millisecondsOfUse, momentText } from '../values.ts'
import type { World } from '../world.ts'

/** One version of a thing: its rows share a versionId, and the current one has no end. */
export interface Version {
  readonly versionId: string
  readonly validFrom: string
  readonly validTo: string | null
}

const LONGEST_HISTORY = 12
const LONGEST_VERSION_MS = 90 * 24 * 3_600_000
const AWKWARD_MOMENT_EVERY = 97

/** The versions of things, one after the other, without end: most have one, some a few, every hundredth a long history. */
export function* versions(world: World, table: 'Element' | 'Relationship'): Generator<Version, never> {
  const [random, versionId] = [world.random(`${table} versions`), world.ids(`${table} version`)]
  for (let thing = 0, row = 0; ; thing += 1) {
    let fromMs = millisecondsOfUse(random)
    for (let left = historyLength(random, thing); left > 0; left -= 1, row += 1) {
      const toMs = fromMs + random.below(LONGEST_VERSION_MS)
      const ended = left > 1 || random.below(20) === 0
      yield {
        versionId: versionId(thing),
        validFrom: awkwardMoment(row) ?? momentText(fromMs),
        validTo: ended ? (awkwardMoment(row + 1) ?? momentText(toMs)) : null,
      }
      fromMs = toMs
    }
  }
}

function historyLength(random: Random, thing: number): number {
  if (thing % 100 === 1) return LONGEST_HISTORY
  return random.below(3) === 0 ? 1 + random.below(4) : 1
}

/** The first rows hold each awkward moment, and one in so many of the others. */
function awkwardMoment(row: number): string | undefined {
  if (row < AWKWARD_MOMENTS.length) return AWKWARD_MOMENTS[row]
  return row % AWKWARD_MOMENT_EVERY === 0 ? itemAt(AWKWARD_MOMENTS, row / AWKWARD_MOMENT_EVERY) : undefined
}
