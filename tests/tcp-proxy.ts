import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A server's stand-in on a port of its own, by which a test breaks connections at the moment that it chooses. */
export interface TcpProxy {
  readonly port: number
  /** From now on new connections lead to the server at this port. */
  lead(port: number): void
  /** Breaks every connection that there is. */
  cut(): void
  /** From every connection that there is nothing comes any more, on either side, not even its end; new ones are not concerned. */
  silence(): void
  /** Breaks those that are silent, as the probes of both ends do in time. */
  cutSilent(): void
  /** From now on new connections are broken at once, until it is told otherwise. */
  refuse(refused: boolean): void
  /** What the server sends from now on is swallowed; the connection must be cut afterwards. */
  swallowReplies(swallowed: boolean): void
  /** Nothing is passed on in either direction meanwhile, and nothing is lost. */
  hold(held: boolean): void
  /** Is told of each piece that a client sent, before it is passed on; a cut within it keeps the piece from the server. */
  onClientData: (bytes: number) => void
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
  isSilent: boolean
}

/** A proxy before a port of loopback for as long as `use` takes. */
export async function withTcpProxy<Result>(
  targetPort: number,
  use: (proxy: TcpProxy) => Promise<Result>,
): Promise<Result> {
  const pairs = new Set<Pair>()
  const state = { refused: false, swallowed: false, held: false, targetPort }
  const listener = createServer({ pauseOnConnect: true }, (client) => {
    if (state.refused) return void client.destroy()
    const pair = { client, server: connect(state.targetPort, '127.0.0.1'), isSilent: false }
    pairs.add(pair)
    join(pair, state, proxy)
    pair.client.once('close', () => pair.isSilent || pairs.delete(pair))
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('A listening server has no port')
  const proxy: TcpProxy = {
    port: address.port,
    lead: (port) => void (state.targetPort = port),
    cut: () => pairs.forEach(breakOff),
    silence: () => {
      for (const pair of pairs) {
        pair.isSilent = true
        for (const socket of [pair.client, pair.server]) flow(socket, true)
      }
    },
    cutSilent: () => [...pairs].filter(({ isSilent }) => isSilent).forEach(breakOff),
    refuse: (refused) => void (state.refused = refused),
    swallowReplies: (swallowed) => void (state.swallowed = swallowed),
    hold: (held) => {
      state.held = held
      for (const { client, isSilent, server } of pairs)
        for (const socket of [client, server]) flow(socket, held || isSilent)
    },
    onClientData: () => undefined,
  }
  try {
    return await use(proxy)
  } finally {
    pairs.forEach(breakOff)
    listener.close()
  }
}

function join(pair: Pair, state: { readonly swallowed: boolean; readonly held: boolean }, proxy: TcpProxy): void {
  const { client, server } = pair
  client.on('data', (bytes) => {
    proxy.onClientData(bytes.length)
    if (!server.destroyed) pass(bytes, client, pair, state)
  })
  server.on('data', (bytes) => void (state.swallowed || pass(bytes, server, pair, state)))
  for (const socket of [client, server]) {
    socket.on('error', () => undefined)
    socket.on('close', () => pair.isSilent || breakOff(pair))
    flow(socket, state.held)
  }
}

/** Passes on no faster than the other side takes it, so that a test sees the back pressure of the real server. */
function pass(bytes: Buffer, from: Socket, pair: Pair, state: { readonly held: boolean }): void {
  const to = from === pair.client ? pair.server : pair.client
  if (to.write(bytes)) return
  from.pause()
  to.once('drain', () => flow(from, state.held || pair.isSilent))
}

function flow(socket: Socket, held: boolean): void {
  if (held) socket.pause()
  else socket.resume()
}

function breakOff({ client, server }: Pair): void {
  client.destroy()
  server.destroy()
}

/** The same URL by way of a proxy. */
export function urlByWayOf(url: string, { port }: TcpProxy): string {
  const changed = new URL(url)
  changed.port = String(port)
  return changed.href
}
