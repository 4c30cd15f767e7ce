import { Command, CommanderError } from 'commander'
import { randomInt } from 'node:crypto'
import { numberFlag } from '../../infra/command-line/flags.ts'
import { compileSources, COMPILED_VARIABLE } from '../runner/compiled-sources.ts'
import { listenForInterruption } from '../runner/interruption.ts'
import { causeChaos } from './cause-chaos.ts'

interface Flags {
  readonly minutes: number
  readonly elements: number
  readonly seed: number
  readonly json?: true
}

const say = (sentence: string): void => void process.stderr.write(`${sentence}\n`)

function readFlags(): Flags {
  const between = (least: number, most: number) => (text: string) => numberFlag(text, least, most)
  return new Command('chaos')
    .description(
      'split a monolith while it is written and everything dies at random: processes, servers, links; and compare all rows by psql alone',
    )
    .option('--minutes <number>', 'how long things go wrong', between(1, 24 * 60), 5)
    .option('--elements <number>', "the monolith's size", between(300, 1_000_000), 5_000)
    .option(
      '--seed <number>',
      'the seed of what goes wrong, and in which order',
      between(0, 2 ** 31),
      randomInt(2 ** 31),
    )
    .option('--json', 'print the outcome as one line of JSON on standard output')
    .exitOverride()
    .parse()
    .opts<Flags>()
}

async function main(signal: AbortSignal): Promise<void> {
  const { elements, json, minutes, seed } = readFlags()
  say(`Seed ${seed}.`)
  process.env[COMPILED_VARIABLE] ??= await compileSources()
  const outcome = await causeChaos({
    seed,
    elements,
    faultsMs: minutes * 60_000,
    signal,
    told: ({ isWhole, killCount, splits }) =>
      say(`Split ${splits.length}: ${killCount} kills by now, ${isWhole ? 'all is whole' : 'NOT WHOLE'}.`),
  })
  process.stdout.write(`${JSON.stringify(outcome, null, json === true ? undefined : 2)}\n`)
  if (!outcome.isWhole) process.exitCode = 3
}

const interruption = listenForInterruption()
try {
  await main(interruption.signal)
} catch (error) {
  if (interruption.signal.aborted) say('The run was interrupted.')
  else if (!(error instanceof CommanderError)) say(String(error instanceof Error ? error.stack : error))
  process.exitCode = interruption.status() ?? (error instanceof CommanderError && error.exitCode !== 0 ? 2 : 1)
}
