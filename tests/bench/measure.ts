import type { Bench } from './bench.ts'
import { type Peer, type PeerName, type PeerRun, runPeer } from './peers.ts'
import { runScission, type ScissionRun } from './scission-run.ts'

/** Ours, and right after it theirs: the two that a ratio is made of. */
export interface MeasuredPair {
  readonly peer: PeerName
  readonly ours: ScissionRun
  readonly theirs: PeerRun
}

/** Each peer once, each with a run of ours before it, and one of ours with the broker's default sync. */
export interface Round {
  readonly pairs: readonly MeasuredPair[]
  readonly defaultSync: ScissionRun
}

/** Measures rounds one after the other. Of each round's runs of ours the first is verified. */
export async function measureRounds(
  bench: Bench,
  rounds: number,
  peers: readonly Peer[],
  say: (sentence: string) => void,
): Promise<Round[]> {
  const measured: Round[] = []
  for (let round = 1; round <= rounds; round += 1) {
    const tell = (who: string, seconds: number): void => say(`${round}/${rounds} ${who}: ${seconds.toFixed(2)} s`)
    measured.push(await measureRound(bench, peers, tell))
  }
  return measured
}

async function measureRound(
  bench: Bench,
  peers: readonly Peer[],
  tell: (who: string, seconds: number) => void,
): Promise<Round> {
  const pairs: MeasuredPair[] = []
  for (const peer of peers) {
    const ours = await runScission(bench, { syncAlways: true, verify: pairs.length === 0 })
    tell('scission', ours.seconds)
    const theirs = await runPeer(bench, peer)
    tell(peer.title, theirs.seconds)
    pairs.push({ peer: peer.name, ours, theirs })
  }
  const defaultSync = await runScission(bench, { syncAlways: false, verify: false })
  tell("scission with the broker's default sync", defaultSync.seconds)
  return { pairs, defaultSync }
}
