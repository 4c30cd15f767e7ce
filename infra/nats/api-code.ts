import { NatsError } from 'nats'

/** JetStream's own code of an error, where it answered. Manual: docs.nats.io, "JetStream API", error codes. */
export function apiCode(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined
}

/** No message of that sequence or subject; no stream of that name. */
export const NO_MESSAGE = 10_037
export const NO_STREAM = 10_059
