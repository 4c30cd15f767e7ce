import { once } from 'node:events'
import { createServer } from 'node:net'

/** The address of every embedded server: they are for this machine alone. */
export const LOOPBACK = '127.0.0.1'

/**
 * Ports of loopback that nobody listens on now. Another process may take one before our server does: so whoever starts
 * a server tries again with others. All are held until all are known, so that no two are the same.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, LOOPBACK))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('A listening TCP server has no port')
    return address.port
  })
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
