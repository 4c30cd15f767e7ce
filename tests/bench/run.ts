import { readFile, writeFile } from 'node:fs/promises'
import { Command } from 'commander'
import { Failure } from '../../contracts/failure.ts'
import { numberFlag } from '../../infra/command-line/flags.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'
import { runScript, say } from '../runner/run-script.ts'
import { writeCompiledContracts } from './compiled-package.ts'
import { readShape } from './copy-shape.ts'
import { elementScenario } from './element-scenario.ts'
import { describeMachine, type Machine } from './machine.ts'
import { measureRounds } from './measure.ts'
import { mixedScenario } from './mixed-scenario.ts'
import { type Peer, PEERS, versionOfPeer } from './peers.ts'
import { placeResults, reportMarkdown, reportText } from './report.ts'
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
}

const DEFAULT_ROWS = 1_000_000
const DEFAULT_PAIRS = 5
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
    const summaries: Summary[] = []
    for (const scenario of scenariosOf(flags)) summaries.push(await measure(postgres, scenario, peers, flags, signal))
    await print(flags, machine, summaries)
  } finally {
    await postgres.stop()
  }
}

async function measure(
  postgres: EmbeddedPostgres,
  scenario: Scenario,
  peers: readonly Peer[],
  { pairs }: Flags,
  signal: AbortSignal,
): Promise<Summary> {
  say(`Making ${scenario.title} …`)
  await makeAnew(postgres, [SOURCE_DATABASE])
  const url = databaseUrl(postgres, SOURCE_DATABASE)
  const size = await scenario.fill(url)
  const [postmaster, shape] = [await postgresProcess(postgres), await readShape([url], scenario.set)]
  const rounds = await measureRounds({ scenario, size, postgres, postmaster, shape, signal }, pairs, peers, say)
  return summarise(scenario, size, rounds)
}

/** What stands at the top is what is asked for most; each scenario has all of it. */
function resultsOf(machine: Machine, summaries: readonly Summary[]): object {
  return { ...summaries[0], machine, scenarios: summaries }
}

async function print(flags: Flags, machine: Machine, summaries: readonly Summary[]): Promise<void> {
  const { markdown } = flags
  if (markdown !== undefined) {
    const page = await readFile(markdown, 'utf8').catch(() => '')
    await writeFile(markdown, placeResults(page, reportMarkdown(machine, summaries, new Date())))
    await writeFile(
      markdown.replace(/(\.md)?$/, '.json'),
      `${JSON.stringify(resultsOf(machine, summaries), null, 2)}\n`,
    )
  }
  const text = reportText(machine, summaries)
  if (flags.json !== true) return void process.stdout.write(`${text}\n`)
  say(text)
  process.stdout.write(`${JSON.stringify(resultsOf(machine, summaries))}\n`)
}

await runScript(main)
