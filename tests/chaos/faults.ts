import { choose, type Random } from '../hostile/random.ts'

/** Who runs and can die. The keeper is found by its session in the monolith's server. */
export type Program = 'publisher' | 'keeper' | 'consumer' | 'broker'
export type Server = 'monolith' | 'targets'
/** Whose way to which server goes by a proxy. */
export type Link = 'publisher-monolith' | 'publisher-broker' | 'consumers-targets' | 'consumers-broker'

/** What befalls a split. Of the consumers a random one is meant. */
export type Fault =
  | { readonly kind: 'kill'; readonly program: Program }
  | { readonly kind: 'crash point'; readonly program: 'publisher' | 'consumer'; readonly point: string }
  | { readonly kind: 'pause'; readonly program: Program; readonly forMs: number }
  | { readonly kind: 'kill server'; readonly server: Server; readonly forMs: number }
  | { readonly kind: 'restart server'; readonly server: Server; readonly forMs: number }
  | { readonly kind: 'cut'; readonly link: Link }
  | { readonly kind: 'silence'; readonly link: Link }
  | { readonly kind: 'hold'; readonly link: Link; readonly forMs: number }
  | { readonly kind: 'refuse'; readonly link: Link; readonly forMs: number }

const LINKS: readonly Link[] = ['publisher-monolith', 'publisher-broker', 'consumers-targets', 'consumers-broker']

/** All that docs/reliability.md names. */
export const CRASH_POINTS = {
  publisher: [
    'publish-locked',
    'publish-slot-created',
    'publish-slot-recorded',
    'publish-snapshot-kept',
    'publish-snapshot-read',
    'publish-epoch-stored',
    'publish-attempt-stored',
    'publish-tables-recorded',
    'publish-chunk-read',
    'publish-page-stored',
    'publish-chunk-stored',
    'publish-entity-read',
    'publish-entity-stored',
    'publish-manifest-stored',
    'publish-closed',
    'publish-keeper-ended',
    'publish-changes-stored',
    'publish-guard-written',
    'publish-slot-confirmed',
  ],
  consumer: [
    'consume-epoch-entered',
    'consume-attempt-entered',
    'consume-page-copied',
    'consume-ledger-entered',
    'consume-pages-stored',
    'consume-manifest-stored',
    'consume-object-built',
    'consume-objects-built',
    'consume-following',
    'consume-changes-applied',
    'consume-position-advanced',
    'consume-changes-stored',
  ],
} as const

/** Of so many faults, how many are of a kind: processes die most. */
const WEIGHTED: readonly (readonly [weight: number, fault: (random: Random) => Fault])[] = [
  [24, () => ({ kind: 'kill', program: 'consumer' })],
  [12, () => ({ kind: 'kill', program: 'publisher' })],
  [3, () => ({ kind: 'kill', program: 'keeper' })],
  [4, () => ({ kind: 'kill', program: 'broker' })],
  [14, (random) => crashPoint(random, 'consumer')],
  [14, (random) => crashPoint(random, 'publisher')],
  [8, (random) => ({ kind: 'pause', program: choose(random, PAUSED), forMs: 100 + random(3_000) })],
  [3, (random) => ({ kind: 'kill server', server: 'targets', forMs: random(1_500) })],
  [2, (random) => ({ kind: 'kill server', server: 'monolith', forMs: random(1_500) })],
  [1, (random) => ({ kind: 'restart server', server: choose(random, ['monolith', 'targets']), forMs: random(1_500) })],
  [8, (random) => ({ kind: 'cut', link: choose(random, LINKS) })],
  [2, (random) => ({ kind: 'silence', link: choose(random, LINKS) })],
  [6, (random) => ({ kind: 'hold', link: choose(random, LINKS), forMs: 100 + random(2_000) })],
  [3, (random) => ({ kind: 'refuse', link: choose(random, LINKS), forMs: 100 + random(2_000) })],
]

const PAUSED: readonly Program[] = ['publisher', 'keeper', 'consumer', 'consumer', 'broker']

const TOTAL_WEIGHT = WEIGHTED.reduce((sum, [weight]) => sum + weight, 0)

/** The next thing that goes wrong. */
export function nextFault(random: Random): Fault {
  let left = random(TOTAL_WEIGHT)
  const [, fault] = WEIGHTED.find(([weight]) => (left -= weight) < 0) ?? []
  if (fault === undefined) throw new Error('A weight is below the sum of all')
  return fault(random)
}

/** The first passings come soon; some later one meets work that is under way. */
function crashPoint(random: Random, program: 'publisher' | 'consumer'): Fault {
  const passing = random(3) === 0 ? 2 + random(20) : 1
  return { kind: 'crash point', program, point: `${choose(random, CRASH_POINTS[program])}:${passing}` }
}

/** For example `kill consumer`, to be counted by. */
export function faultName(fault: Fault): string {
  if ('program' in fault) return `${fault.kind} ${fault.program}`
  return `${fault.kind} ${'server' in fault ? fault.server : fault.link}`
}
