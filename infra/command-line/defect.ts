import { withoutSecrets } from '../configuration/secrets.ts'
import type { LoggedError } from './log.ts'

/** What we need to know of what was thrown and is no Failure: an operator can do nothing about it but report it. */
export function defectOf(error: unknown, urls: readonly string[]): LoggedError {
  return {
    type: error instanceof Error ? error.name : typeof error,
    message: withoutSecrets(error instanceof Error ? error.message : String(error), urls),
    stack: withoutSecrets(stackOf(error), urls),
  }
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return `An error that is none was thrown: ${String(error)}`
  const cause = error.cause === undefined ? '' : `\nCaused by: ${stackOf(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}
