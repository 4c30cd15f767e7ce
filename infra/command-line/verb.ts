import type { Command } from 'commander'
import type { FailureCode } from '../../contracts/failure.ts'
import type {
  Configuration,
  MonolithConfiguration,
  WantedServices,
  WatchedConfiguration,
} from '../configuration/configuration.ts'
import type { Interruption } from './interruption.ts'
import type { Log } from './log.ts'
import type { Output } from './output.ts'
import type { World } from './terminal.ts'

/** What a verb works with. */
export interface VerbContext {
  readonly world: World
  readonly output: Output
  /** Events, on standard error. */
  readonly log: Log
  /** Reads the configuration of a verb that needs these services. @throws Failure 2 that names every mistake. */
  readonly configure: (services: WantedServices) => Promise<Configuration>
  /** The same for a verb that needs the monolith too. */
  readonly configureMonolith: (services: WantedServices) => Promise<MonolithConfiguration>
  /** What of the whole split is configured, for a verb that is watched while it works. */
  readonly configureWatched: () => Promise<WatchedConfiguration>
  readonly signal: AbortSignal
  readonly busyWith: Interruption['busyWith']
}

/** Flags that several verbs share. */
export interface SharedFlags {
  readonly config?: string
  readonly json?: true
}

/** 0 done, 3 a difference was found, 4 refused, 5 lag; every other ending is thrown. */
export type VerbExitCode = 0 | FailureCode

/** Runs a verb's action, once commander has understood its flags. */
export type RunVerb = (flags: SharedFlags, action: (context: VerbContext) => Promise<VerbExitCode>) => Promise<void>

/** Adds a verb and its flags to the program. */
export type AddVerb = (program: Command, run: RunVerb) => void

export function withSharedFlags(command: Command): Command {
  return command
    .option('--config <file>', 'read settings from this file, not from ./scission.config.json')
    .option('--json', 'print the result as one line of JSON on standard output')
}

/** Prints a result: JSON for a program, else text for a person. */
export function printResult({ output }: VerbContext, flags: SharedFlags, value: object, text: string): void {
  if (flags.json === true) output.data(JSON.stringify(value))
  else if (text !== '') output.data(text)
}
