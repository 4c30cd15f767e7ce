import { CommanderError } from 'commander'
import { Failure } from '../../contracts/failure.ts'
import { numberFlag } from '../../infra/command-line/flags.ts'
import { listenForInterruption } from './interruption.ts'

export const say = (sentence: string): void => void process.stderr.write(`${sentence}\n`)

/** Reads a flag that is a whole number from `least` to `most`. */
export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number =>
    numberFlag(text, least, most)

/**
 * Runs a script that stands by itself, and ends its process with the status that it has earned: what `main` has set, or 2
 * for flags that cannot be, the signal's where it was interrupted, a failure's own, and 1 for anything else.
 */
export async function runScript(main: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const interruption = listenForInterruption()
  try {
    await main(interruption.signal)
  } catch (error) {
    if (interruption.signal.aborted) say('The run was interrupted.')
    else if (error instanceof Failure) say(error.message)
    else if (!(error instanceof CommanderError)) say(String(error instanceof Error ? error.stack : error))
    process.exitCode = interruption.status() ?? statusOf(error)
  }
}

/** Commander says what is wrong by itself; to have shown its help is no error. */
function statusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  return error instanceof Failure ? error.exitCode : 1
}
