import { readFile, writeFile } from 'node:fs/promises'
import { Command } from 'commander'
import { Failure } from '../../contracts/failure.ts'
import { connectionsFlag, numberFlag } from '../../infra/command-line/flags.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'
import { runScript, say } from '../runner/run-script.ts'
import type { Bench } from './bench.ts'
import { writeCompiledContracts } from './compiled-package.ts'
import { readShape } from './copy-shape.ts'
import { elementScenario } from './element-scenario.ts'
import { describeMachine, type Machine } from './machine.ts'
import { measureRounds } from './measure.ts'
import { mixedScenario } from './mixed-scenario.ts'
import { PEERS, versionOfPeer } from './peers.ts'
import { withLoadedService } from './loaded-service.ts'
import { REPLAY_RESULTS, replayMarkdown, replayText } from './replay-report.ts'
import { measureReplays } from './replay-run.ts'
import { type ReplaySummary, summariseReplays } from './replay-summary.ts'
import { placeResults, reportMarkdown, reportText, RESULTS, type ResultsPlace } from './report.ts'
import type { Scenario } from './scenario.ts'
import { measureStart } from './scission-run.ts'
import { postgresProcess } from './server-processes.ts'
import { databaseUrl, makeAnew, POSTGRES_SETTINGS, SOURCE_DATABASE, withFreshNats } from './servers.ts'
import { type Summary, summarise } from './summary.ts'

interface Flags {
  readonly rows?: number
  readonly mixed?: number
  readonly pairs: number
  readonly markdown?: string
  readonly json?: true
  readonly replay?: true
  readonly loaders: number
}

const DEFAULT_ROWS = 1_000_000
const DEFAULT_PAIRS = 5
const DEFAULT_LOADERS = 2
/** The generator's own bounds. */
const LEAST_ROWS = 50
const MOST_ROWS = 50_000_000
const MOST_PAIRS = 100

function readFlags(): Flags {
  const size = (text: string): number => numberFlag(text, LEAST_ROWS, MOST_ROWS)
  return new Command('bench')
    .description('measure scission beside what people move a database with, on private servers')
    .option('--rows <number>', `copy a table Element of so many rows (${DEFAULT_ROWS}, unless --mixed is given)`, size)
    .option('--mixed <elements>', 'copy a whole monolith of so many elements', size)
    .option(
      '--pairs <number>',
      'how often each pair is measured',
      (text) => numberFlag(text, 1, MOST_PAIRS),
      DEFAULT_PAIRS,
    )
    .option(
      '--markdown <file.md>',
      'write the results as Markdown, into the place that the file has for them, and as JSON beside it',
    )
    .option('--replay', 'measure the rebuilding of a service from its log beside pg_restore, and nothing else')
    .option(
      '--loaders <number>',
      'sessions of a replay, and jobs of the pg_restore beside it',
      connectionsFlag,
      DEFAULT_LOADERS,
    )
    .option('--json', 'print the results as one line of JSON on standard output')
    .exitOverride()
    .parse()
    .opts<Flags>()
}

function scenariosOf({ rows, mixed }: Flags): Scenario[] {
  const elements = rows ?? (mixed === undefined ? DEFAULT_ROWS : undefined)
  return [
    ...(elements === undefined ? [] : [elementScenario(elements)]),
    ...(mixed === undefined ? [] : [mixedScenario(mixed)]),
  ]
}

/** Measures on servers of its own, which are gone afterwards, and prints what was measured. */
async function main(signal: AbortSignal): Promise<void> {
  const flags = readFlags()
  const versions = await Promise.all(PEERS.map(async (peer) => ({ peer, version: await versionOfPeer(peer) })))
  const peers = versions.filter(({ version }) => version !== null).map(({ peer }) => peer)
  if (peers.length === 0)
    throw new Failure(4, 'There is nothing to compare with: install psql, pg_dump and pg_restore.')
  await writeCompiledContracts()
  const postgres = await startEmbeddedPostgres({ settings: POSTGRES_SETTINGS })
  try {
    const programs = {
      postgres: postgres.version,
      nats: await withFreshNats(true, async (nats) => nats.version),
      ...Object.fromEntries(versions.map(({ peer, version }) => [peer.programs[0], version])),
    }
    const machine = await describeMachine(programs, await measureStart(signal))
    if (flags.replay === true) return await measureAllReplays(postgres, machine, flags, signal)
    const summaries: Summary[] = []
    for (const scenario of scenariosOf(flags)) {
      const bench = await makeSource(postgres, scenario, signal)
      summaries.push(summarise(scenario, bench.size, await measureRounds(bench, flags.pairs, peers, say)))
    }
    const [text, page] = [reportText(machine, summaries), reportMarkdown(machine, summaries, new Date())]
    await print(flags, { text, page, place: RESULTS, results: resultsOf(machine, summaries) })
  } finally {
    await postgres.stop()
  }
}

async function measureAllReplays(
  postgres: EmbeddedPostgres,
  machine: Machine,
  flags: Flags,
  signal: AbortSignal,
): Promise<void> {
  const { loaders: jobs, pairs } = flags
  const summaries: ReplaySummary[] = []
  for (const scenario of scenariosOf(flags)) {
    const bench = await makeSource(postgres, scenario, signal)
    summaries.push(
      await withLoadedService(bench, async (loaded) =>
        summariseReplays(
          { scenario, service: loaded.service },
          jobs,
          await measureReplays(loaded, { jobs, pairs, say }),
        ),
      ),
    )
  }
  const [text, page] = [replayText(machine, summaries), replayMarkdown(machine, summaries, new Date())]
  await print(flags, { text, page, place: REPLAY_RESULTS, results: { machine, scenarios: summaries } })
}

async function makeSource(postgres: EmbeddedPostgres, scenario: Scenario, signal: AbortSignal): Promise<Bench> {
  say(`Making ${scenario.title} …`)
  await makeAnew(postgres, [SOURCE_DATABASE])
  const url = databaseUrl(postgres, SOURCE_DATABASE)
  const size = await scenario.fill(url)
  const [postmaster, shape] = [await postgresProcess(postgres), await readShape([url], scenario.set)]
  return { scenario, size, postgres, postmaster, shape, signal }
}

/** What stands at the top is what is asked for most; each scenario has all of it. */
function resultsOf(machine: Machine, summaries: readonly Summary[]): object {
  return { ...summaries[0], machine, scenarios: summaries }
}

interface Printed {
  readonly text: string
  readonly page: string
  readonly place: ResultsPlace
  readonly results: object
}

async function print({ json, markdown }: Flags, { page, place, results, text }: Printed): Promise<void> {
  if (markdown !== undefined) {
    const before = await readFile(markdown, 'utf8').catch(() => '')
    await writeFile(markdown, placeResults(before, page, place))
    const file = markdown.replace(/(\.md)?$/, place.file)
    await writeFile(file, `${JSON.stringify(results, null, 2)}\n`)
  }
  if (json !== true) return void process.stdout.write(`${text}\n`)
  say(text)
  process.stdout.write(`${JSON.stringify(results)}\n`)
}

await runScript(main)
