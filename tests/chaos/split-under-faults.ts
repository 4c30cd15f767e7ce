import { setTimeout as sleep } from 'node:timers/promises'
import set from '../../contracts/archimodeler/contract-set.ts'
import { runCommand } from '../command-line/run-command.ts'
import { choose, type Random } from '../hostile/random.ts'
import { compareByPsql, psql } from '../kills/compare-by-psql.ts'
import { runUntilDone } from '../kills/mortal-command.ts'
import { type Fault, faultName, nextFault } from './faults.ts'
import { KeptRunning, type Watcher } from './kept-running.ts'
import type { ChaosOutcome } from './outcome.ts'
import { keeperPids, SERVICES, type World } from './world.ts'
import { writeThroughOutages, type Writing, type WritingPlan } from './writers.ts'

export interface SplitPlan extends WritingPlan {
  /** How long things go wrong. */
  readonly faultsMs: number
  /** And until so many processes died in all splits by now, on a machine that is slow. */
  readonly leastKills: number
  readonly signal: AbortSignal
  /** Is told how far it is. */
  readonly told: (sentence: string) => void
}

/** What is running of a split. */
interface Running {
  readonly world: World
  readonly publisher: KeptRunning
  readonly consumers: readonly KeptRunning[]
  readonly outcome: ChaosOutcome
  /** Pauses and held links that end by themselves. */
  readonly pending: Promise<void>[]
}

/** Between two faults. */
const LEAST_REST_MS = 200
const MORE_REST_MS = 1_000
/** A process is given so long to come to its crash point. */
const CRASH_POINT_MS = 4_000
/** Where all is applied, `lag` says so within this, or something hangs. */
const SETTLE = '4m'
const SETTLE_LIMIT_MS = 5 * 60_000
/**
 * So long after a link fell silent its server's own probes end a session, and with it the lease of a consumer that died
 * meanwhile: a proxy answers them as if somebody were there.
 */
const PROBES_MS = 40_000
const MAX_OUTAGE = '3m'
/** A small monolith's snapshot takes a while then, in which it can be hurt. */
const SNAPSHOT_RATE = '3MB'

/** One split from nothing to its end, while it is written to and all of it fails; and the comparison by psql alone. */
export async function splitUnderFaults(world: World, plan: SplitPlan, outcome: ChaosOutcome): Promise<void> {
  const [rest, broken] = [new AbortController(), new AbortController()]
  const signal = AbortSignal.any([plan.signal, broken.signal])
  await unharmed(world, 'prepare', ['prepare', '--yes'], signal)
  const writing = writeThroughOutages(world.monolith, plan, AbortSignal.any([signal, rest.signal]))
  writing.catch((error: unknown) => broken.abort(error))
  const running = startAll(world, outcome, (error) => broken.abort(error))
  try {
    await causeFaults(running, plan, signal)
    rest.abort()
    const written = await writing
    signal.throwIfAborted()
    plan.told('The faults are over.')
    await untilSettled(world, signal)
    plan.told('All is applied.')
    await unharmed(world, 'verify', ['verify'], signal)
    plan.told('verify agrees.')
    await stopAll(running)
    await compare(world, written, outcome)
  } catch (error) {
    // What broke first tells why; the others were told to end.
    throw broken.signal.aborted ? broken.signal.reason : error
  } finally {
    broken.abort()
    await stopAll(running)
    await writing.catch(() => undefined)
  }
}

async function unharmed(world: World, name: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  const life = { lifetimeMs: () => null, killed: () => undefined, refused: () => undefined, signal }
  await runUntilDone({ name, args, environment: world.straight }, life)
}

/** @throws Error that shows where each service is, where it does not come to an end: something hangs. */
async function untilSettled({ straight: environment }: World, signal: AbortSignal): Promise<void> {
  const { exitCode, stderr, stdout } = await runCommand(['lag', '--max-lag', '0s', '--wait', SETTLE], {
    environment,
    limitMs: SETTLE_LIMIT_MS,
    signal,
  })
  if (exitCode !== 0) throw new Error(`Not all is applied in ${SETTLE} (${exitCode}): ${stderr}\n${stdout}`)
}

function startAll(world: World, outcome: ChaosOutcome, failed: Watcher['failed']): Running {
  const watcher: Watcher = {
    failed,
    ended: (name, end, said) => {
      const program = name === 'publisher' ? name : 'consumer'
      if (end === 'killed') outcome.countKill(program)
      else if (end === 'died at its crash point') outcome.countCrash(program, said)
      else if (end === 'gave up') outcome.countRefusal(said)
    },
  }
  const outage = ['--max-outage', MAX_OUTAGE]
  return {
    world,
    outcome,
    pending: [],
    publisher: new KeptRunning(
      { name: 'publisher', args: ['publish', '--max-rate', SNAPSHOT_RATE, ...outage], environment: world.publisher },
      watcher,
    ),
    consumers: SERVICES.map(
      (name) => new KeptRunning({ name, args: ['consume', name, ...outage], environment: world.consumers }, watcher),
    ),
  }
}

async function stopAll({ consumers, publisher }: Running): Promise<void> {
  await Promise.all([publisher, ...consumers].map(async (each) => await each.stop()))
}

async function causeFaults(
  running: Running,
  { faultsMs, leastKills, random }: SplitPlan,
  signal: AbortSignal,
): Promise<void> {
  for (const end = Date.now() + faultsMs; Date.now() < end || running.outcome.killCount < leastKills;) {
    const fault = nextFault(random)
    running.outcome.countFault(faultName(fault))
    await cause(running, fault, random)
    await sleep(LEAST_REST_MS + random(MORE_REST_MS), undefined, { signal })
  }
  await Promise.all(running.pending)
}

async function cause(running: Running, fault: Fault, random: Random): Promise<void> {
  const { consumers, outcome, publisher, world } = running
  switch (fault.kind) {
    case 'kill':
      return await kill(running, fault.program, random)
    case 'crash point':
      // Others would kill it before it comes there.
      return await Promise.race([
        (fault.program === 'publisher' ? publisher : choose(random, consumers)).dieAt(fault.point),
        sleep(CRASH_POINT_MS),
      ])
    case 'pause':
      return await pause(running, fault, random)
    case 'kill server':
    case 'restart server': {
      const server = world.postgres[fault.server]
      if (fault.kind === 'kill server') outcome.countKill(`the server of the ${fault.server}`)
      await server.stop(fault.kind === 'kill server' ? 'killed' : 'fast')
      await sleep(fault.forMs)
      return await server.start()
    }
    case 'cut':
      return world.links[fault.link].cut()
    case 'silence':
      world.links[fault.link].silence()
      return later(running, PROBES_MS, () => world.links[fault.link].cutSilent())
    case 'hold':
      world.links[fault.link].hold(true)
      return later(running, fault.forMs, () => world.links[fault.link].hold(false))
    case 'refuse':
      world.links[fault.link].refuse(true)
      world.links[fault.link].cut()
      return later(running, fault.forMs, () => world.links[fault.link].refuse(false))
  }
}

async function kill(
  { consumers, outcome, publisher, world }: Running,
  program: (Fault & { kind: 'kill' })['program'],
  random: Random,
): Promise<void> {
  switch (program) {
    case 'publisher':
      return publisher.kill()
    case 'consumer':
      return choose(random, consumers).kill()
    case 'keeper':
      for (const pid of await keeperPids(world)) if (sendSignal(pid, 'SIGKILL')) outcome.countKill('keeper')
      return
    case 'broker':
      await world.nats.stop('SIGKILL')
      outcome.countKill('broker')
      await sleep(random(1_500))
      return await world.nats.start()
  }
}

async function pause(running: Running, { forMs, program }: Fault & { kind: 'pause' }, random: Random): Promise<void> {
  const { consumers, publisher, world } = running
  if (program === 'broker') {
    world.nats.pause(true)
    return later(running, forMs, () => world.nats.pause(false))
  }
  if (program === 'keeper') {
    const pids = await keeperPids(world)
    for (const pid of pids) sendSignal(pid, 'SIGSTOP')
    return later(running, forMs, () => pids.forEach((pid) => sendSignal(pid, 'SIGCONT')))
  }
  const victim = program === 'publisher' ? publisher : choose(random, consumers)
  victim.pause()
  return later(running, forMs, () => victim.goOn())
}

/** @returns whether the process was there. */
function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

function later({ pending }: Running, forMs: number, action: () => void): void {
  pending.push(sleep(forMs).then(action))
}

/** Nothing of what made the split says whether it is right. */
async function compare(world: World, { acknowledged, unknown, work }: Writing, outcome: ChaosOutcome): Promise<void> {
  const { differing, doubled, lost, rows } = await compareByPsql(set, world.monolith, world.urlOf)
  const owner = set.services.find(({ entities }) => entities.some(({ name }) => name === 'SystemSetting'))
  const keys = await psql(world.urlOf(owner?.name ?? ''), `SELECT key FROM "SystemSetting" WHERE key LIKE 'zz-%'`)
  const found = new Set(keys.trim().split('\n'))
  const missing = acknowledged.filter((key) => !found.has(key))
  const known = new Set([...acknowledged, ...unknown])
  outcome.add({
    transactions: work.transactions,
    acknowledged: acknowledged.length,
    found: acknowledged.length - missing.length,
    strange: [...found].filter((key) => key !== '' && !known.has(key)).length,
    rows,
    lost,
    doubled,
    differing,
  })
}
