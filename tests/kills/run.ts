import { Command } from 'commander'
import { randomInt } from 'node:crypto'
import set from '../../contracts/archimodeler/contract-set.ts'
import { databaseName } from '../../infra/configuration/names.ts'
import { generateMonolith } from '../../infra/demo/monolith/generate-monolith.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'
import { databaseUrl, makeAnew, SOURCE_DATABASE, withFreshNats } from '../bench/servers.ts'
import { type Random, seededRandom } from '../hostile/random.ts'
import { wholeNumber, runScript, say } from '../runner/run-script.ts'
import { compareByPsql, type Comparison } from './compare-by-psql.ts'
import { runUntilDone } from './mortal-command.ts'

interface Flags {
  readonly kills: number
  readonly elements: number
  readonly seed: number
  readonly json?: true
}

/** What the kills came to. */
interface Outcome {
  seed: number
  rounds: number
  kills: Record<string, number>
  /** Runs that gave up by themselves, and were started again. */
  refusals: number
  rows: number
  lost: number
  doubled: number
  differing: string[]
}

/** Few enough that a round comes to its end; the rounds go on until there were enough in all. */
const KILLS_A_ROUND = 20
/** Of four processes, one dies before it has got to work, or soon after, and three somewhere on the way. */
const SHORT_LIFE_MS = 1_500
const LONG_LIFE_MS = 6_000

function readFlags(): Flags {
  return new Command('kills')
    .description(
      'split a monolith while publisher and consumers are killed at random, and compare all rows by psql alone',
    )
    .option('--kills <number>', 'how many processes to kill', wholeNumber(1, 100_000), 200)
    .option('--elements <number>', "the monolith's size", wholeNumber(300, 1_000_000), 20_000)
    .option('--seed <number>', 'the seed of when who is killed', wholeNumber(0, 2 ** 31), randomInt(2 ** 31))
    .option('--json', 'print the outcome as one line of JSON on standard output')
    .exitOverride()
    .parse()
    .opts<Flags>()
}

async function main(signal: AbortSignal): Promise<void> {
  const { kills, elements, seed, json } = readFlags()
  say(`Seed ${seed}.`)
  const random = seededRandom(seed)
  const outcome: Outcome = { seed, rounds: 0, kills: {}, refusals: 0, rows: 0, lost: 0, doubled: 0, differing: [] }
  const postgres = await startEmbeddedPostgres()
  try {
    await makeAnew(postgres, [SOURCE_DATABASE])
    await generateMonolith(databaseUrl(postgres, SOURCE_DATABASE), { elements, seed: 1 })
    while (total(outcome) < kills) {
      await playRound(postgres, random, Math.min(KILLS_A_ROUND, kills - total(outcome)), outcome, signal)
      say(`Round ${outcome.rounds}: ${total(outcome)} kills, ${outcome.lost} rows lost, ${outcome.doubled} doubled.`)
    }
  } finally {
    await postgres.stop()
  }
  const whole = outcome.differing.length === 0
  if (json === true) process.stdout.write(`${JSON.stringify({ ...outcome, whole })}\n`)
  else process.stdout.write(`${outcomeText(outcome)}\n`)
  if (!whole) process.exitCode = 3
}

function total({ kills }: Outcome): number {
  return Object.values(kills).reduce((sum, count) => sum + count, 0)
}

function outcomeText(outcome: Outcome): string {
  const each = Object.entries(outcome.kills).map(([name, count]) => `${count} of ${name}`)
  const differing = outcome.differing.length === 0 ? '' : `; different: ${outcome.differing.join(', ')}`
  return `${total(outcome)} kills (${each.join(', ')}) in ${outcome.rounds} splits of ${outcome.rows} rows in all: ${outcome.lost} lost, ${outcome.doubled} doubled${differing}.`
}

/** One split from nothing to its end, with so many kills on the way as it takes, and the comparison. */
async function playRound(
  postgres: EmbeddedPostgres,
  random: Random,
  most: number,
  outcome: Outcome,
  signal: AbortSignal,
): Promise<void> {
  await makeAnew(
    postgres,
    set.services.map(({ name }) => databaseOf(name)),
  )
  await withFreshNats(true, async (nats) => {
    const environment = environmentOf(postgres, nats.url)
    let left = most
    const life = {
      signal,
      lifetimeMs: () => (left > 0 ? random(random(4) === 0 ? SHORT_LIFE_MS : LONG_LIFE_MS) : null),
      killed: (name: string) => {
        left -= 1
        outcome.kills[name] = (outcome.kills[name] ?? 0) + 1
      },
      refused: (name: string, text: string) => {
        outcome.refusals += 1
        say(`${name} gave up, and is started again: ${text.trim().split('\n').at(-1)}`)
      },
    }
    const unharmed = { ...life, lifetimeMs: () => null }
    const run = async (name: string, ...args: string[]): Promise<void> =>
      await runUntilDone({ name, args, environment }, life)
    await runUntilDone({ name: 'prepare', args: ['prepare', '--yes'], environment }, unharmed)
    await Promise.all([
      run('publisher', 'publish', '--snapshot-only'),
      run('consumer', 'consume', '--all', '--until-caught-up'),
    ])
    add(outcome, await compareByPsql(set, databaseUrl(postgres, SOURCE_DATABASE), (name) => urlOf(postgres, name)))
    await runUntilDone({ name: 'cancel', args: ['cancel', '--yes'], environment }, unharmed)
  })
}

function add(outcome: Outcome, { rows, lost, doubled, differing }: Comparison): void {
  outcome.rounds += 1
  outcome.rows += rows
  outcome.lost += lost
  outcome.doubled += doubled
  outcome.differing.push(...differing)
}

function databaseOf(service: string): string {
  return `service_${service}`
}

function urlOf(postgres: EmbeddedPostgres, service: string): string {
  return databaseUrl(postgres, databaseOf(service))
}

function environmentOf(postgres: EmbeddedPostgres, natsUrl: string): Record<string, string> {
  return {
    MONOLITH_DATABASE_URL: databaseUrl(postgres, SOURCE_DATABASE),
    NATS_URL: natsUrl,
    ...Object.fromEntries(set.services.map(({ name }) => [databaseName(name), urlOf(postgres, name)])),
  }
}

await runScript(main)
