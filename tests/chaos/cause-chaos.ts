import { seededRandom } from '../hostile/random.ts'
import { ChaosOutcome } from './outcome.ts'
import { splitUnderFaults } from './split-under-faults.ts'
import { withPostgres, withWorld } from './world.ts'

export interface ChaosPlan {
  readonly seed: number
  /** How long things go wrong, in all splits together. */
  readonly faultsMs: number
  /** How many processes are to die in all; where that takes longer, it goes on longer. */
  readonly leastKills?: number
  readonly elements: number
  /** Sessions of the application that writes. */
  readonly sessions?: number
  /** Of each of them, and of whoever counts its commits, after each transaction. */
  readonly restMs?: number
  readonly signal: AbortSignal
  /** Is told how far it is. */
  readonly told: (sentence: string) => void
}

/** A split is written, followed and hurt for so long: the snapshot's part of it is not the smaller one. */
const SPLIT_MS = 150_000

/** Splits monoliths, one after the other, under faults, until there were enough of them. */
export async function causeChaos({
  elements,
  faultsMs,
  leastKills = 0,
  restMs = 15,
  seed,
  sessions = 6,
  signal,
  told,
}: ChaosPlan): Promise<ChaosOutcome> {
  const outcome = new ChaosOutcome(seed)
  const random = seededRandom(seed)
  await withPostgres(async (postgres) => {
    for (let leftMs = faultsMs, split = 0; leftMs > 0; leftMs -= SPLIT_MS, split += 1) {
      const isLast = leftMs <= SPLIT_MS
      const of = { faultsMs: Math.min(leftMs, SPLIT_MS), leastKills: isLast ? leastKills : 0 }
      const plan = { seed: seed + split, random, sessions, restMs, ...of, signal, told }
      await withWorld(postgres, { elements, seed: plan.seed }, async (world) => splitUnderFaults(world, plan, outcome))
      const { isWhole, killCount, splits } = outcome
      told(`Split ${splits.length}: ${killCount} kills by now, ${isWhole ? 'all is whole' : 'NOT WHOLE'}.`)
    }
  })
  return outcome
}
