/**
 * The exit codes of the command line: 1 an error, 2 usage, 3 a difference was found, 4 refused, 5 lag or time-out.
 * See docs/errors.md for the sentence that goes with each.
 */
export type FailureCode = 1 | 2 | 3 | 4 | 5

/**
 * A failure that an operator can act on. Its message is one sentence that names the thing and the way out, and holds
 * no secret: it is printed as it is. Anything else that is thrown is a defect of ours and is shown with its stack.
 */
export class Failure extends Error {
  readonly exitCode: FailureCode

  constructor(exitCode: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Failure'
    this.exitCode = exitCode
  }
}

/** Closes a `switch` over a union, so that the compiler finds each place that a new member must be handled. */
export function unreachable(value: never): never {
  throw new Error(`This case was thought impossible: ${JSON.stringify(value)}`)
}
