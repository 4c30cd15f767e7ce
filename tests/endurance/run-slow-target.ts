import { Command } from 'commander'
import { compileSources, COMPILED_VARIABLE } from '../runner/compiled-sources.ts'
import { runScript, say, wholeNumber } from '../runner/run-script.ts'
import { holdSlowTarget } from './slow-target.ts'

interface Flags {
  readonly messages: number
  readonly rowsPerSecond: number
  readonly minutes: number
  readonly json?: true
}

/** Seldom enough to leave the machine alone. */
const LOOK_MS = 10_000

function readFlags(): Flags {
  return new Command('slow-target')
    .description(
      'follow a long log into a database that takes a few rows a second: memory, what is pulled, lag; then let it go',
    )
    .option('--messages <number>', 'messages that wait', wholeNumber(1, 100_000_000), 1_000_000)
    .option('--rows-per-second <number>', 'what the database takes', wholeNumber(1, 1_000_000), 10)
    .option('--minutes <number>', 'how long it is slow', wholeNumber(1, 24 * 60), 10)
    .option('--json', 'print the outcome as one line of JSON on standard output')
    .exitOverride()
    .parse()
    .opts<Flags>()
}

async function main(signal: AbortSignal): Promise<void> {
  const { json, messages, minutes, rowsPerSecond } = readFlags()
  process.env[COMPILED_VARIABLE] ??= await compileSources()
  const plan = { messages, rowsPerSecond, slowMs: minutes * 60_000, lookMs: LOOK_MS, signal, told: say }
  const outcome = await holdSlowTarget(plan)
  process.stdout.write(`${JSON.stringify(outcome, null, json === true ? undefined : 2)}\n`)
  if (!outcome.isWhole) process.exitCode = 3
}

await runScript(main)
