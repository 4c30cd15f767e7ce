import { Failure } from '../../contracts/failure.ts'
import { nearestName } from '../configuration/nearest-name.ts'

/**
 * What a verb with actions says where none of them was named.
 * @param what ends the question "What shall be done with …?"
 */
export function unknownAction(
  verb: string,
  what: string,
  actions: readonly string[],
  given: string | undefined,
): Failure {
  const help = `see scission ${verb} --help.`
  if (given === undefined)
    return new Failure(2, `What shall be done with ${what}? Name ${listed(actions, 'or')}; ${help}`)
  const near = nearestName(given, actions)
  const known = near === null ? `it has ${listed(actions, 'and')}; ${help}` : `did you mean ${near}?`
  return new Failure(2, `${verb} has no ${given}: ${known}`)
}

/** For example `list, add and show`. */
function listed(names: readonly string[], joint: string): string {
  return `${names.slice(0, -1).join(', ')} ${joint} ${names.at(-1)}`
}
