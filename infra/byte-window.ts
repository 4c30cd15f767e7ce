/** A bound on bytes that are under way. `acquire` waits until the bytes fit; one item larger than the limit goes alone. */
export interface ByteWindow {
  acquire(bytes: number): Promise<void>
  /** Takes the bytes if that needs no waiting, and says whether it did. */
  tryAcquire(bytes: number): boolean
  release(bytes: number): void
}

/** First come, first served, so that one busy stream cannot keep the others waiting for ever. */
export function createByteWindow(limitBytes: number): ByteWindow {
  let usedBytes = 0
  const waiting: { readonly bytes: number; readonly admit: () => void }[] = []

  const fits = (bytes: number): boolean => usedBytes === 0 || usedBytes + bytes <= limitBytes

  const tryAcquire = (bytes: number): boolean => {
    if (waiting.length > 0 || !fits(bytes)) return false
    usedBytes += bytes
    return true
  }

  return {
    tryAcquire,
    async acquire(bytes) {
      if (!tryAcquire(bytes)) await new Promise<void>((admit) => waiting.push({ bytes, admit }))
    },
    release(bytes) {
      usedBytes -= bytes
      for (let next = waiting[0]; next !== undefined && fits(next.bytes); next = waiting[0]) {
        waiting.shift()
        usedBytes += next.bytes
        next.admit()
      }
    },
  }
}
