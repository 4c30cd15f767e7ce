import type { ServerResponse } from 'node:http'
import { fastify } from 'fastify'
import type { SentLook } from '../../../../consumers/lag/page/client/page-state.ts'
import type { GivenHistory } from '../../../../consumers/lag/page/client/series.ts'
import { readPage } from '../../../../consumers/lag/page/read-page.ts'

/** As the real server sends it: nothing but the page's own files, and no style or script within the document. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

/** A server whose looks a test writes, so that it sees the page in states that no split is in at will. */
export interface PageServer {
  readonly url: string
  readonly send: (look: SentLook) => void
  /** Writes what is no look. */
  readonly sendRaw: (text: string) => void
  /** Ends every stream, as a server does that ends. */
  readonly cut: () => void
  /** From now on the events are refused, until it is told otherwise. */
  readonly refuse: (isRefused: boolean) => void
}

interface PageServerOptions {
  readonly token?: string
  readonly history?: GivenHistory
}

export async function withPageServer<Result>(
  { history, token }: PageServerOptions,
  use: (server: PageServer) => Promise<Result>,
): Promise<Result> {
  const page = await readPage()
  const streams = new Set<ServerResponse>()
  let latest: SentLook | null = null
  let isRefused = false
  const server = fastify({ forceCloseConnections: true })
  server.addHook('onSend', async (_request, reply) => void reply.header('content-security-policy', POLICY))
  server.get('/', async (_request, reply) => reply.type('text/html').send(page.html))
  server.get('/page.js', async (_request, reply) => reply.type('text/javascript').send(page.script))
  server.get('/page.css', async (_request, reply) => reply.type('text/css').send(page.style))
  server.get('/events', (request, reply) => {
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`)
      return void reply.code(401).send('Give the token.')
    if (isRefused) return void reply.code(503).send('The server is full.')
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
    streams.add(reply.raw)
    reply.raw.on('close', () => streams.delete(reply.raw))
    reply.raw.write(eventText('history', history ?? { times: [], services: {}, retainedBytes: [] }))
    if (latest !== null) reply.raw.write(eventText('look', latest))
  })
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  try {
    return await use({
      url,
      send: (look) => {
        latest = look
        for (const stream of streams) stream.write(eventText('look', look))
      },
      sendRaw: (text) => streams.forEach((stream) => stream.write(text)),
      cut: () => streams.forEach((stream) => stream.destroy()),
      refuse: (refused) => void (isRefused = refused),
    })
  } finally {
    streams.forEach((stream) => stream.destroy())
    await server.close()
  }
}

function eventText(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
