import { Failure } from '../../../contracts/failure.ts'

/** The Failure that a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const outcome = await promise.then(
    () => new Error('It should have failed'),
    (error: unknown) => error,
  )
  if (outcome instanceof Failure) return outcome
  throw outcome
}
