/** What `within` gives where the time was up first. */
export const timeIsUp = Symbol('time is up')

/**
 * Waits for a promise, but no longer than `limitMs`. The timer also keeps this process alive meanwhile, which the
 * handles of a guard do not.
 */
export async function within<Value>(limitMs: number, promise: Promise<Value>): Promise<Value | typeof timeIsUp> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<typeof timeIsUp>((resolve) => {
    timer = setTimeout(resolve, limitMs, timeIsUp)
  })
  try {
    return await Promise.race([promise, limit])
  } finally {
    clearTimeout(timer)
  }
}
