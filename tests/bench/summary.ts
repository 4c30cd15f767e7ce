import type { MeasuredPair, Round } from './measure.ts'
import type { PeerName } from './peers.ts'
import type { Usage } from './process-watch.ts'
import type { Scenario, SourceSize } from './scenario.ts'
import type { ScissionRun } from './scission-run.ts'
import { median, type Pair, pairedRatio, quotient, range } from './statistics.ts'

/** Ours by theirs; null where a peer is missing. */
export type Ratios = Readonly<Record<PeerName, number | null>>

/** What one way of copying took, over all its runs. */
export interface Contender {
  readonly runs: number
  /** The median. */
  readonly seconds: number
  readonly leastSeconds: number
  readonly mostSeconds: number
  readonly rowsPerSecond: number
  /** Of COPY text. */
  readonly bytesPerSecond: number
  /** The median of each process, those that it started included. */
  readonly cpuSeconds: Readonly<Record<string, number>>
  /** The largest resident set of any process of that name, in any run. */
  readonly peakBytes: Readonly<Record<string, number>>
}

/** Everything that is told of a scenario. Times in seconds, sizes in bytes. */
export interface Summary {
  readonly scenario: Scenario['name']
  readonly title: string
  readonly databases: number
  readonly tables: number
  readonly rows: number
  readonly copyBytes: number
  readonly pairs: number
  readonly ratios: Ratios
  /** The same with the time of `prepare` on our side. */
  readonly ratiosWithPrepare: Ratios
  /** The same with a broker that syncs when it sees fit, which a power failure may cost acknowledged messages. */
  readonly ratiosDefaultSync: Ratios
  /** The largest in any run; null where processes cannot be watched. */
  readonly rss: { readonly publisher: number | null; readonly consumer: number | null }
  /** The streams' files after compression; null where they cannot be found. */
  readonly logBytes: number | null
  /** The log's messages before compression. */
  readonly messageBytes: number | null
  readonly logByCopyText: number | null
  readonly prepareSeconds: number | null
  /** Until each had ended; the later of the two is the time that counts. */
  readonly endedAfterSeconds: { readonly publisher: number | null; readonly consumer: number | null }
  readonly verify: {
    readonly seconds: number | null
    /** COPY of the same tables to a sink. */
    readonly sinkSeconds: number | null
    readonly ratio: number | null
  }
  readonly contenders: Readonly<Record<'scission' | 'scissionDefaultSync' | PeerName, Contender | null>>
}

/** Judges what was measured. */
export function summarise(scenario: Scenario, size: SourceSize, rounds: readonly Round[]): Summary {
  const pairs = rounds.flatMap((round) => round.pairs)
  const ours = pairs.map((pair) => pair.ours)
  const contenders = {
    scission: contenderOf(ours, size),
    scissionDefaultSync: contenderOf(
      rounds.map((round) => round.defaultSync),
      size,
    ),
    ...byPeer((peer) => contenderOf(theirsOf(pairs, peer), size)),
  }
  const logBytes = median(ours.flatMap((run) => run.logBytes ?? []))
  return {
    scenario: scenario.name,
    title: scenario.title,
    databases: scenario.set.services.length,
    tables: scenario.set.services.reduce((sum, { entities }) => sum + entities.length, 0),
    ...size,
    pairs: rounds.length,
    ratios: byPeer((peer) => ratioTo(peer, pairs, (pair) => pair.ours.seconds)),
    ratiosWithPrepare: byPeer((peer) => ratioTo(peer, pairs, (pair) => pair.ours.seconds + pair.ours.prepareSeconds)),
    ratiosDefaultSync: byPeer((peer) => defaultSyncRatio(peer, rounds)),
    rss: {
      publisher: contenders.scission?.peakBytes['publisher'] ?? null,
      consumer: contenders.scission?.peakBytes['consumer'] ?? null,
    },
    logBytes,
    messageBytes: median(ours.map((run) => run.messageBytes)),
    logByCopyText: quotient(logBytes, size.copyBytes),
    prepareSeconds: median(ours.map((run) => run.prepareSeconds)),
    endedAfterSeconds: { publisher: endOf(ours, 'publisher'), consumer: endOf(ours, 'consumer') },
    verify: verificationOf(ours),
    contenders,
  }
}

function byPeer<Value>(valueOf: (peer: PeerName) => Value): Record<PeerName, Value> {
  return { pgcopydb: valueOf('pgcopydb'), dumpRestore: valueOf('dumpRestore'), copy: valueOf('copy') }
}

function theirsOf(pairs: readonly MeasuredPair[], peer: PeerName): MeasuredPair['theirs'][] {
  return pairs.filter((pair) => pair.peer === peer).map((pair) => pair.theirs)
}

function ratioTo(
  peer: PeerName,
  pairs: readonly MeasuredPair[],
  oursOf: (pair: MeasuredPair) => number,
): number | null {
  const measured = pairs.filter((pair) => pair.peer === peer)
  return pairedRatio(measured.map((pair): Pair => ({ ours: oursOf(pair), theirs: pair.theirs.seconds })))
}

/** Of each round there is one such run, which stands beside the round's runs of all peers. */
function defaultSyncRatio(peer: PeerName, rounds: readonly Round[]): number | null {
  return pairedRatio(
    rounds.flatMap(({ pairs, defaultSync }) =>
      theirsOf(pairs, peer).map(({ seconds }): Pair => ({ ours: defaultSync.seconds, theirs: seconds })),
    ),
  )
}

function endOf(runs: readonly ScissionRun[], program: string): number | null {
  return median(runs.flatMap(({ endedAfterSeconds }) => endedAfterSeconds[program] ?? []))
}

function verificationOf(runs: readonly ScissionRun[]): Summary['verify'] {
  const verified = runs.flatMap(({ verification }) => verification ?? [])
  return {
    seconds: median(verified.map(({ seconds }) => seconds)),
    sinkSeconds: median(verified.map(({ sinkSeconds }) => sinkSeconds)),
    ratio: pairedRatio(verified.map(({ seconds, sinkSeconds }): Pair => ({ ours: seconds, theirs: sinkSeconds }))),
  }
}

type Run = { readonly seconds: number; readonly usage: Readonly<Record<string, Usage>> }

function contenderOf(runs: readonly Run[], { rows, copyBytes }: SourceSize): Contender | null {
  const times = runs.map((run) => run.seconds)
  const [seconds, between] = [median(times), range(times)]
  if (seconds === null || between === null) return null
  const names = new Set(runs.flatMap(({ usage }) => Object.keys(usage)))
  const figures = (of: (usages: readonly Usage[]) => number): Record<string, number> =>
    Object.fromEntries([...names].map((name) => [name, of(runs.flatMap(({ usage }) => usage[name] ?? []))]))
  return {
    runs: runs.length,
    seconds,
    leastSeconds: between.least,
    mostSeconds: between.most,
    rowsPerSecond: rows / seconds,
    bytesPerSecond: copyBytes / seconds,
    cpuSeconds: figures((usages) => median(usages.map(({ cpuSeconds }) => cpuSeconds)) ?? 0),
    peakBytes: figures((usages) => Math.max(...usages.map(({ peakBytes }) => peakBytes))),
  }
}
