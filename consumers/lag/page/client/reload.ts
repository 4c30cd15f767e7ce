import type { TokenPlaces } from './token.ts'

const NAME = 'scission-reloaded'
/** A page that is no better after it was loaded anew is not loaded again and again. */
const AGAIN_MS = 60_000

/** Loads the page anew, unless that was done a moment ago. @returns whether it does. */
export function reloadOnce(storage: TokenPlaces['storage'], nowMs: number, reload: () => void): boolean {
  const reloadedMs = Number(storage.getItem(NAME) ?? Number.NEGATIVE_INFINITY)
  if (Math.abs(nowMs - reloadedMs) < AGAIN_MS) return false
  storage.setItem(NAME, String(nowMs))
  reload()
  return true
}
