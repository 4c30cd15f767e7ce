import type { Command, CommanderError } from 'commander'
import { Failure } from '../../contracts/failure.ts'
import { nearestName } from '../configuration/nearest-name.ts'

/**
 * Commander's complaint as one sentence that says what would be right.
 * @returns null where commander has only shown its help, or the version.
 */
export function usageFailure(error: CommanderError, program: Command, given: readonly string[]): Failure | null {
  if (['commander.helpDisplayed', 'commander.version'].includes(error.code)) return null
  const verbs = program.commands.map((command) => command.name())
  const command = program.commands.find((candidate) => candidate.name() === given[0]) ?? program
  return new Failure(2, usageSentence(error, verbs, flagsOf(command), helpOf(command, program)))
}

export function usageSentence(
  { code, message }: Pick<CommanderError, 'code' | 'message'>,
  verbs: readonly string[],
  flags: readonly string[],
  help: string,
): string {
  const quoted = /'([^']*)'/.exec(message)?.[1] ?? ''
  switch (code) {
    case 'commander.help':
      return `What shall be done? Name a verb: ${verbs.join(', ')}; see ${help}.`
    case 'commander.unknownCommand':
      return `There is no verb ${quoted}: ${suggestion(quoted, verbs) ?? `the verbs are ${verbs.join(', ')}.`}`
    case 'commander.unknownOption':
      return `There is no flag ${quoted}: ${suggestion(quoted, flags) ?? `see ${help}.`}`
    case 'commander.invalidArgument':
      return `${valueClause(message)}; see ${help}.`
    case 'commander.excessArguments':
      return `There are too many words after the verb: see ${help}.`
    default:
      return `${clause(message)}: see ${help}.`
  }
}

function suggestion(name: string, known: readonly string[]): string | null {
  const near = nearestName(name, known)
  return near === null ? null : `did you mean ${near}?`
}

/** `option '--readers <number>' argument 'many' is invalid. It must be …` as a clause that begins with the flag. */
function valueClause(message: string): string {
  const [, flag, value, rule] = /'(--[\w-]+)[^']*' argument '(.*)' is invalid\. It (.*)\.$/.exec(message) ?? []
  return flag === undefined ? clause(message) : `${flag} cannot be ${JSON.stringify(value)}: it ${rule}`
}

/** Commander's text without its `error: `, its hint and its full stop. */
function clause(message: string): string {
  const text = (message.split('\n')[0] ?? '').replace(/^error: /, '').replace(/\.$/, '')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function flagsOf(command: Command): string[] {
  return [...command.options.flatMap(({ long }) => (long ? [long] : [])), '--help']
}

function helpOf(command: Command, program: Command): string {
  return command === program ? 'scission --help' : `scission ${command.name()} --help`
}
