import { setTimeout as delay } from 'node:timers/promises'
import type { LagLook, LagWatch } from '../lag-watch.ts'

/** What is away may keep a look for longer than whoever asks waits: Prometheus gives up after ten seconds. */
const PATIENCE_MS = 4_000

/** A look that is a second old at most, or else the latest, whose age tells it; null before the first. */
export async function lookWithin(watch: LagWatch, patienceMs = PATIENCE_MS): Promise<LagLook | null> {
  const waited = new AbortController()
  try {
    return await Promise.race([
      watch.look(),
      delay(patienceMs, undefined, { signal: waited.signal }).then(() => watch.latest()),
    ])
  } finally {
    waited.abort()
  }
}
