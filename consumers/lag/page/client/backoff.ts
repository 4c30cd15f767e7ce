const FIRST_MS = 500
/** An operator who looks at the page sees it come back as fast as this at the latest. */
const LONGEST_MS = 5_000

/**
 * How long is waited before the server is tried again: twice as long each time, with a jitter, so that the browsers that a
 * restarted server has lost do not come back in one moment.
 * @param attempt the failures so far, from 1 on. @param random between 0 and 1.
 */
export function retryAfterMs(attempt: number, random: number): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 10))
  return Math.round(longest * (0.5 + random / 2))
}
