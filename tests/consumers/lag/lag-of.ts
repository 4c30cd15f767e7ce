import type { ServiceLag } from '../../../consumers/lag/service-lag.ts'

/** A service that is level, with nothing to do, but for what is given. */
export function lagOf(service: string, given: Partial<ServiceLag> = {}): ServiceLag {
  return {
    service,
    status: 'ok',
    isConsumed: true,
    replay: null,
    lastError: null,
    epoch: 1,
    epochStartedAt: '2026-01-02T03:04:05.678Z',
    isOfStream: true,
    phase: 'following',
    position: '0/16B3748',
    streamSequence: 10,
    lastSequence: 10,
    messages: 0,
    messagesPerSecond: 0,
    bytes: 0,
    hops: { toLog: exact(0), toConsumer: exact(0), toDatabase: exact(0) },
    secondsLeft: 0,
    loading: loadingOf({ rows: 5, expectedRows: 5 }),
    parked: 0,
    stopped: null,
    parkedChanges: [],
    ...given,
  }
}

export function loadingOf(given: Partial<ServiceLag['loading']>): ServiceLag['loading'] {
  return { rows: 0, expectedRows: null, isEstimate: false, rowsPerSecond: 0, secondsLeft: null, entities: [], ...given }
}

export const exact = (seconds: number) => ({ seconds, bound: 'exact' as const })
