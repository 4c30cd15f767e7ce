import { Failure } from '../failure.ts'

/**
 * Bytes or values that are not as the wire format has them. Its sentence names what is wrong and never a row's value,
 * which may be a secret; the caller adds, as the outer failure, the stream and the sequence.
 */
export class WireError extends Failure {
  constructor(message: string, options?: ErrorOptions) {
    super(1, message, options)
    this.name = 'WireError'
  }
}
