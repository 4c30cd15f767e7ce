import { Command } from 'commander'
import { randomInt } from 'node:crypto'
import { compileSources, COMPILED_VARIABLE } from '../runner/compiled-sources.ts'
import { wholeNumber, runScript, say } from '../runner/run-script.ts'
import { causeChaos } from './cause-chaos.ts'

interface Flags {
  readonly minutes: number
  readonly elements: number
  readonly seed: number
  readonly json?: true
}

function readFlags(): Flags {
  return new Command('chaos')
    .description(
      'split a monolith while it is written and everything dies at random: processes, servers, links; and compare all rows by psql alone',
    )
    .option('--minutes <number>', 'how long things go wrong', wholeNumber(1, 24 * 60), 5)
    .option('--elements <number>', "the monolith's size", wholeNumber(300, 1_000_000), 5_000)
    .option(
      '--seed <number>',
      'the seed of what goes wrong, and in which order',
      wholeNumber(0, 2 ** 31),
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
    told: say,
  })
  process.stdout.write(`${JSON.stringify(outcome, null, json === true ? undefined : 2)}\n`)
  if (!outcome.isWhole) process.exitCode = 3
}

await runScript(main)
