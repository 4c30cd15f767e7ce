import {
  ANSWER_LIMIT_MS,
  CONSUMER_WINDOW_BYTES,
  consume,
  type ConsumeOptions,
  LOADING_TRANSACTION_BYTES,
} from '../../consumers/consume.ts'
import type { ConsumeOutcome } from '../../consumers/events.ts'
import { createByteWindow } from '../byte-window.ts'
import type { Configuration } from '../configuration/configuration.ts'
import type { Progress } from './progress.ts'

export type ConsumeTogetherOptions = Omit<ConsumeOptions, 'transactionBytes' | 'answerLimitMs'>

/**
 * Runs the consumers of several services in this process. The first that fails ends all: a process that goes on with
 * some of its services would look well to whoever watches it. What they have stored stays, and the next run goes on.
 */
export async function consumeTogether(
  { set, prefix, nats, services }: Configuration,
  given: ConsumeTogetherOptions,
  progress: Pick<Progress, 'consumer'>,
): Promise<ConsumeOutcome[]> {
  const stop = new AbortController()
  const signal = AbortSignal.any([given.signal, stop.signal])
  const options = { ...given, transactionBytes: LOADING_TRANSACTION_BYTES, answerLimitMs: ANSWER_LIMIT_MS, signal }
  const window = createByteWindow(CONSUMER_WINDOW_BYTES)
  const failures: unknown[] = []
  const running = services.map(async ({ service, database }) => {
    try {
      const dependencies = { set, service, prefix, database, nats, window }
      return await consume(dependencies, options, (event) => progress.consumer(event))
    } catch (error) {
      failures.push(error)
      stop.abort()
      throw error
    }
  })
  const settled = await Promise.allSettled(running)
  if (failures.length > 0) throw failures[0]
  return settled.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
}
