import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** The address of every embedded server: they are for this machine alone. */
export const LOOPBACK = '127.0.0.1'

/**
 * Below the ports that Linux, macOS and Windows give to outgoing connections: a connection would hold such a port while
 * our server is not listening yet, or is started again on it.
 */
const FIRST_PORT = 20_000
const LAST_PORT = 32_767
const TRIES_PER_PORT = 200

/**
 * Ports of loopback that nobody listens on now. Another process may take one before our server does: so whoever starts
 * a server tries again with others. All are held until all are known, so that no two are the same.
 * @throws the system's error where it refuses every one that was tried.
 */
export async function freePorts(count: number): Promise<number[]> {
  const held = new Map<number, Server>()
  try {
    while (held.size < count) {
      const { port, server } = await holdPort()
      held.set(port, server)
    }
  } finally {
    await Promise.all([...held.values()].map(async (server) => await once(server.close(), 'close')))
  }
  return [...held.keys()]
}

async function holdPort(): Promise<{ port: number; server: Server }> {
  for (let tries = 1; ; tries += 1) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT + 1))
    const server = createServer().listen(port, LOOPBACK)
    try {
      await once(server, 'listening')
      return { port, server }
    } catch (error) {
      if (tries === TRIES_PER_PORT) throw error
    }
  }
}
