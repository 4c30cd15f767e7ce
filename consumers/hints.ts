import type pg from 'pg'
import { type MetError, storeLastError } from './met-errors.ts'
import { storeProgress } from './service-state.ts'
import type { Traffic } from './traffic.ts'
import type { Watermark } from './watermark.ts'

/** Writes down how far a consumer is: for its next run, and for whoever looks at it. */
export interface Hints {
  readonly store: () => Promise<void>
  /** The same, where that was not done of late. */
  readonly storeIfDue: () => Promise<void>
  /** Waits for something that leaves the leader's session alone, and stores meanwhile: it may take hours, as a lock may. */
  readonly until: (done: Promise<void>) => Promise<void>
}

export interface HintSources {
  /** The session in which they are stored. */
  readonly leader: pg.Client
  readonly watermark: Watermark
  /** The last message that was read, and the stream's end as it was then. */
  readonly read: { readonly sequence: number; readonly last: number }
  readonly traffic: Traffic
  readonly takeError: () => MetError | null
}

/** What a crash reads again is at most so much of the log, and the ledger skips it. */
const INTERVAL_MS = 1_000

export function createHints({ leader, read, takeError, traffic, watermark }: HintSources): Hints {
  let storedAt = performance.now()
  const store = async (): Promise<void> => {
    const { last: lastSequence, sequence: readSequence } = read
    const passedSequence = watermark.passed()
    const progress = { ...watermark.current(), passedSequence, readSequence, lastSequence, traffic: traffic.bytes() }
    await storeProgress(leader, progress)
    const error = takeError()
    if (error !== null) await storeLastError(leader, error)
    storedAt = performance.now()
  }
  return {
    store,
    storeIfDue: async () => {
      if (performance.now() - storedAt > INTERVAL_MS) await store()
    },
    until: async (done) => {
      const ended = done.then(() => true)
      // Where it cannot be stored nobody waits for it any more.
      ended.catch(() => undefined)
      while (!(await endsWithin(ended, storedAt + INTERVAL_MS - performance.now()))) await store()
    },
  }
}

async function endsWithin(ended: Promise<boolean>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, Math.max(0, ms), false)))
  try {
    return await Promise.race([ended, late])
  } finally {
    clearTimeout(timer)
  }
}
