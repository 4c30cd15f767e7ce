import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A message of the protocol begins with a letter and its length, which counts itself. */
const HEAD_BYTES = 5
const READY = 'Z'.charCodeAt(0)
const IDLE = 'I'.charCodeAt(0)
const TERMINATE = 'X'.charCodeAt(0)

/**
 * A pooler before a PostgreSQL server that keeps a session for the length of a transaction alone, as pgbouncer does with
 * pool_mode = transaction: a client gets any session that is free. Real sessions of the server, and nothing in its place.
 * Manual: "Frontend/Backend Protocol".
 */
export async function withTransactionPooler<Result>(
  targetPort: number,
  use: (port: number) => Promise<Result>,
): Promise<Result> {
  const free: Socket[] = []
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    return socket.on('error', () => undefined)
  }
  const listener = createServer((client) => {
    const session = keep(connect(targetPort, '127.0.0.1'))
    serve(keep(client), session, free)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('A listening server has no port')
  try {
    return await use(address.port)
  } finally {
    for (const socket of sockets) socket.destroy()
    listener.close()
  }
}

/** The client starts a session of its own, which is everyone's from the first moment that it is ready. */
function serve(client: Socket, first: Socket, free: Socket[]): void {
  let session: Socket | null = first
  const attach = (socket: Socket): void => {
    const ready = readyWatcher()
    const onData = (bytes: Buffer): void => {
      client.write(bytes)
      if (!ready(bytes)) return
      socket.off('data', onData)
      session = null
      free.push(socket)
    }
    socket.on('data', onData)
  }
  attach(first)
  client.on('data', (bytes) => {
    if (bytes[0] === TERMINATE) return
    if (session === null) attach((session = free.pop() ?? never()))
    session.write(bytes)
  })
}

/** Whether the server has ended what it said, outside of any transaction. */
function readyWatcher(): (bytes: Buffer) => boolean {
  let left = Buffer.alloc(0)
  return (bytes) => {
    left = Buffer.concat([left, bytes])
    let isReady = false
    while (left.length >= HEAD_BYTES) {
      const length = 1 + left.readUInt32BE(1)
      if (left.length < length) break
      isReady = left[0] === READY && left[HEAD_BYTES] === IDLE
      left = left.subarray(length)
    }
    return isReady && left.length === 0
  }
}

function never(): never {
  throw new Error('More transactions than clients')
}
