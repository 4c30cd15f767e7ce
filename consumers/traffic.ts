import { Socket } from 'node:net'
import type pg from 'pg'

/**
 * What passes in the sessions that load and change rows. It moves as long as the database takes something, also within a
 * transaction of which nothing is applied before its end.
 */
export interface Traffic {
  readonly add: (client: pg.Client) => void
  /** One of them works, though nothing passes: a statement may take long. */
  readonly worked: () => void
  /** Bytes in both directions, of all sessions so far, and how often one was seen at work. */
  readonly bytes: () => number
}

export function createTraffic(): Traffic {
  let sockets: Socket[] = []
  let past = 0
  const bytesOf = (all: typeof sockets): number =>
    all.reduce((sum, { bytesRead, bytesWritten }) => sum + bytesRead + bytesWritten, 0)
  return {
    worked: () => void (past += 1),
    add: ({ connection: { stream } }) => {
      const ended = sockets.filter(({ destroyed }) => destroyed)
      past += bytesOf(ended)
      sockets = [...sockets.filter((socket) => !ended.includes(socket)), ...(stream instanceof Socket ? [stream] : [])]
    },
    bytes: () => past + bytesOf(sockets),
  }
}
