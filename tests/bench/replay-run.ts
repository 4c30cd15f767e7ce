import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { STATE_SCHEMA } from '../../consumers/use-state.ts'
import { assertSameShape, readShape, type CopyShape } from './copy-shape.ts'
import { checkpoint, type LoadedService } from './loaded-service.ts'
import type { Usage } from './process-watch.ts'
import { databaseUrl, dropDatabases, makeAnew, splitPassword } from './servers.ts'
import { present, type Program, timedRun } from './timed-run.ts'

/** A rebuilding of a service from its log, as a process of its own. */
export interface ReplayRun {
  /** From the process's start to its end. */
  readonly seconds: number
  /** As the command tells them itself, by their names; the start of Node is in none. */
  readonly steps: Readonly<Record<string, number>>
  readonly usage: Readonly<Record<string, Usage>>
}

/** Two replays, and right after them the restoring that they are compared with. */
export interface ReplayPair {
  /** Beside the tables in use, compared with them, and swapped in. */
  readonly swapped: ReplayRun
  /** Into an empty database. */
  readonly into: ReplayRun
  readonly restore: Pick<ReplayRun, 'seconds' | 'usage'>
}

const INTO_DATABASE = 'replayed'
const RESTORE_DATABASE = 'restored'

/** Sessions that load, build and compare, on either side. */
const DEFAULT_JOBS = 2

export interface ReplayMeasuring {
  readonly pairs: number
  readonly jobs?: number
  readonly say: (sentence: string) => void
}

/** Replays a service again and again, each time beside a restoring of a dump of the same tables. */
export async function measureReplays(
  loaded: LoadedService,
  { jobs = DEFAULT_JOBS, pairs, say }: ReplayMeasuring,
): Promise<ReplayPair[]> {
  const work = await mkdtemp(join(tmpdir(), 'scission-bench-'))
  try {
    const dump = join(work, 'dump')
    await runTool(loaded, 'pg_dump', ['-Fc', '-N', STATE_SCHEMA, '-f', dump], loaded.url)
    const shape = await shapeOf(loaded, loaded.url)
    const measured: ReplayPair[] = []
    for (let pair = 1; pair <= pairs; pair += 1) {
      const swapped = await replayInPlace(loaded, shape, jobs)
      const into = await replayInto(loaded, shape, jobs)
      const restore = await restoreDump(loaded, shape, { dump, jobs })
      say(`${pair}/${pairs} replay: ${textOf(swapped)}; --into: ${textOf(into)}; pg_restore: ${textOf(restore)}`)
      measured.push({ swapped, into, restore })
    }
    return measured
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function textOf({ seconds }: Pick<ReplayRun, 'seconds'>): string {
  return `${seconds.toFixed(2)} s`
}

async function shapeOf({ service, bench }: LoadedService, url: string): Promise<CopyShape> {
  return await readShape([url], { ...bench.scenario.set, services: [service] })
}

async function replayInPlace(loaded: LoadedService, shape: CopyShape, jobs: number): Promise<ReplayRun> {
  const { run, service, url } = loaded
  await checkpoint(url)
  const ran = await run(['replay', service.name, '--json', '--loaders', String(jobs)])
  assertSameShape('replay', shape, await shapeOf(loaded, url))
  return replayRun(ran)
}

async function replayInto(loaded: LoadedService, shape: CopyShape, jobs: number): Promise<ReplayRun> {
  const { bench, run, service } = loaded
  await makeAnew(bench.postgres, [INTO_DATABASE])
  const url = databaseUrl(bench.postgres, INTO_DATABASE)
  const { href, password } = splitPassword(url)
  const flags = ['--json', '--loaders', String(jobs), '--into', href]
  const ran = await run(['replay', service.name, ...flags], { PGPASSWORD: password })
  assertSameShape('replay --into', shape, await shapeOf(loaded, url))
  await dropDatabases(bench.postgres, [INTO_DATABASE])
  return replayRun(ran)
}

function replayRun({ output, seconds, usage }: Awaited<ReturnType<LoadedService['run']>>): ReplayRun {
  const result = JSON.parse(output['replay'] ?? '') as { readonly steps: readonly { step: string; seconds: number }[] }
  return { seconds, steps: Object.fromEntries(result.steps.map((step) => [step.step, step.seconds])), usage }
}

async function restoreDump(
  loaded: LoadedService,
  shape: CopyShape,
  { dump, jobs }: { readonly dump: string; readonly jobs: number },
): Promise<ReplayPair['restore']> {
  const { bench } = loaded
  await makeAnew(bench.postgres, [RESTORE_DATABASE])
  const url = databaseUrl(bench.postgres, RESTORE_DATABASE)
  const flags = ['-j', String(jobs), '--exit-on-error', dump]
  const restored = await runTool(loaded, 'pg_restore', flags, url)
  assertSameShape('pg_restore', shape, await shapeOf(loaded, url))
  await dropDatabases(bench.postgres, [RESTORE_DATABASE])
  return restored
}

async function runTool(
  { bench }: LoadedService,
  program: 'pg_dump' | 'pg_restore',
  flags: readonly string[],
  url: string,
): Promise<ReplayPair['restore']> {
  const { href, password } = splitPassword(url)
  const environment: Program['environment'] = { PGPASSWORD: password }
  const tool = { name: program, program, args: ['-d', href, ...flags], environment }
  return await timedRun([tool], present({ postgres: bench.postmaster }), bench.signal)
}
