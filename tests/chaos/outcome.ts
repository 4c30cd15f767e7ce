/** What one split came to, as psql tells it. */
export interface SplitOutcome {
  /** Of the simulated application. */
  readonly transactions: number
  /** Commits that the monolith acknowledged, each with a row of its own, and of how many the service has that row. */
  readonly acknowledged: number
  readonly found: number
  /** Rows of which nobody knows. */
  readonly strange: number
  readonly rows: number
  readonly lost: number
  readonly doubled: number
  readonly differing: readonly string[]
}

/** What all splits of a run came to. */
export class ChaosOutcome {
  readonly seed: number
  readonly kills = new Map<string, number>()
  readonly faults = new Map<string, number>()
  /** What programs said that gave up and were started again. */
  readonly refusals = new Map<string, number>()
  readonly splits: SplitOutcome[] = []

  constructor(seed: number) {
    this.seed = seed
  }

  countKill(program: string): void {
    count(this.kills, program)
  }

  countFault(name: string): void {
    count(this.faults, name)
  }

  /** @param said its last line is the sentence. */
  countRefusal(said: string): void {
    count(this.refusals, sentenceOf(said))
  }

  add(split: SplitOutcome): void {
    this.splits.push(split)
  }

  get killCount(): number {
    return sum([...this.kills.values()])
  }

  get isWhole(): boolean {
    return this.splits.every(
      ({ acknowledged, differing, found, strange }) =>
        differing.length === 0 && strange === 0 && acknowledged === found,
    )
  }

  toJSON(): object {
    const { faults, kills, refusals, seed, splits } = this
    const total = (name: 'transactions' | 'acknowledged' | 'found' | 'strange' | 'rows' | 'lost' | 'doubled'): number =>
      sum(splits.map((split) => split[name]))
    return {
      seed,
      splits: splits.length,
      whole: this.isWhole,
      kills: this.killCount,
      killed: Object.fromEntries(kills),
      faults: sum([...faults.values()]),
      caused: Object.fromEntries(faults),
      refusals: Object.fromEntries(refusals),
      transactions: total('transactions'),
      acknowledged: total('acknowledged'),
      found: total('found'),
      strange: total('strange'),
      rows: total('rows'),
      lost: total('lost'),
      doubled: total('doubled'),
      differing: splits.flatMap(({ differing }) => differing),
    }
  }
}

/** The sentence that a program ended with, without what differs from one time to the next. */
export function sentenceOf(said: string): string {
  const lines = said.trim().split('\n')
  const from = lines.findLastIndex((line) => line.startsWith('scission: '))
  return lines
    .slice(Math.max(0, from))
    .join(' ')
    .replaceAll(/[0-9A-F]+\/[0-9A-F]+|\d+/g, 'n')
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
