import { CONSUMER_WINDOW_BYTES } from '../../consumers/consume.ts'
import type { ReplayEvent } from '../../consumers/replay/events.ts'
import type { Replaying } from '../../consumers/replay/fill-copy.ts'
import { type ReplayOptions, type ReplayOutcome, replayService } from '../../consumers/replay/replay-service.ts'
import { createByteWindow } from '../../infra/byte-window.ts'
import type { ServiceDatabase } from '../../infra/preflight/deployment.ts'
import type { Split } from './split.ts'

export const REPLAY_OPTIONS: ReplayOptions = {
  entity: null,
  ending: 'swap',
  overwrite: false,
  restart: false,
  limit: 10,
}

/** As what a test replays; what it is told goes to `events`. */
export function replayingOf({ nats, prefix, set }: Split, events: ReplayEvent[] = []): Replaying {
  return {
    set,
    prefix,
    nats,
    window: createByteWindow(CONSUMER_WINDOW_BYTES),
    jobs: 2,
    maxWaitMs: 20_000,
    signal: new AbortController().signal,
    report: (event) => events.push(event),
  }
}

/** The service of a split, with its database. */
export function serviceOf({ services }: Split, name: string): ServiceDatabase {
  const found = services.find(({ service }) => service.name === name)
  if (found === undefined) throw new Error(`The split has no service ${name}`)
  return found
}

export async function replay(
  split: Split,
  service: string,
  options: Partial<ReplayOptions> = {},
): Promise<ReplayOutcome> {
  return await replayService(replayingOf(split), serviceOf(split, service), { ...REPLAY_OPTIONS, ...options })
}
