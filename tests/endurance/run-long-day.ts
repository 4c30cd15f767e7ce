import { randomInt } from 'node:crypto'
import { Command } from 'commander'
import { compileSources, COMPILED_VARIABLE } from '../runner/compiled-sources.ts'
import { runScript, say, wholeNumber } from '../runner/run-script.ts'
import { liveLongDay } from './long-day.ts'

interface Flags {
  readonly minutes: number
  readonly hours: number
  readonly elements: number
  readonly seed: number
  readonly json?: true
}

function readFlags(): Flags {
  return new Command('long-day')
    .description(
      'follow a monolith for a compressed day of bursts, quiet, restarts and cut links: memory, handles, connections',
    )
    .option('--minutes <number>', 'how long the day takes, at the least', wholeNumber(1, 24 * 60), 12)
    .option('--hours <number>', 'simulated hours', wholeNumber(1, 10_000), 24)
    .option('--elements <number>', "the monolith's size", wholeNumber(300, 1_000_000), 2_000)
    .option('--seed <number>', 'the seed of monolith and writers', wholeNumber(0, 2 ** 31), randomInt(2 ** 31))
    .option('--json', 'print the outcome as one line of JSON on standard output')
    .exitOverride()
    .parse()
    .opts<Flags>()
}

async function main(signal: AbortSignal): Promise<void> {
  const { elements, hours, json, minutes, seed } = readFlags()
  process.env[COMPILED_VARIABLE] ??= await compileSources()
  const hourMs = (minutes * 60_000) / hours
  const outcome = await liveLongDay({ hours, hourMs, elements, seed, signal, told: say })
  process.stdout.write(`${JSON.stringify(outcome, null, json === true ? undefined : 2)}\n`)
  if (!outcome.isWhole) process.exitCode = 3
}

await runScript(main)
