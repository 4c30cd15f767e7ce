import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

/** A server of our own that speaks just enough of a protocol, for versions and states that cannot be started here. */
async function withServer<Result>(
  greet: (socket: Socket) => void,
  use: (port: number) => Promise<Result>,
): Promise<Result> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    greet(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('A listening server has no port')
  try {
    return await use(address.port)
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

/** A NATS server that says what it is, and answers pings. Manual: "Client Protocol". */
export async function withFakeNats<Result>(
  about: { readonly version: string; readonly jetstream: boolean },
  use: (url: string) => Promise<Result>,
): Promise<Result> {
  const info = {
    server_id: 'fake',
    host: '127.0.0.1',
    port: 4222,
    max_payload: 1_048_576,
    proto: 1,
    headers: true,
    ...about,
  }
  return await withServer(
    (socket) => {
      socket.write(`INFO ${JSON.stringify(info)}\r\n`)
      socket.on('data', (data) => data.includes('PING') && socket.write('PONG\r\n'))
    },
    async (port) => await use(`nats://127.0.0.1:${port}`),
  )
}

/**
 * A PostgreSQL 13, as a session that sets `idle_session_timeout` at its start sees it: an error, 42704, and the end.
 * Manual: "Message Formats", ErrorResponse.
 */
export async function withFakeOldPostgres<Result>(use: (url: string) => Promise<Result>): Promise<Result> {
  const fields = ['SFATAL', 'VFATAL', 'C42704', 'Munrecognized configuration parameter "idle_session_timeout"']
  const body = Buffer.from(`${fields.map((field) => `${field}\0`).join('')}\0`)
  const message = Buffer.concat([Buffer.from('E'), Buffer.alloc(4), body])
  message.writeInt32BE(body.length + 4, 1)
  return await withServer(
    (socket) => socket.on('data', () => socket.end(message)),
    async (port) => await use(`postgres://user:password@127.0.0.1:${port}/old`),
  )
}
