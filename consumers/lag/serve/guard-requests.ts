import fastifyBearerAuth from '@fastify/bearer-auth'
import fastifyHelmet from '@fastify/helmet'
import fastifyRateLimit from '@fastify/rate-limit'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { foreignness, originOf } from './access.ts'

export interface RequestGuard {
  readonly token: string | null
  /** Of one address. */
  readonly requestsPerMinute: number
  /** Is told of what is a defect of ours. */
  readonly log: (sentence: string) => void
}

const CONTENT_SECURITY_POLICY = {
  useDefaults: false,
  directives: {
    'default-src': ["'none'"],
    'script-src': ["'self'"],
    'style-src': ["'self'"],
    'connect-src': ["'self'"],
    'img-src': ["'self'", 'data:'],
    'font-src': ["'self'"],
    'base-uri': ["'none'"],
    'form-action': ["'self'"],
    'frame-ancestors': ["'none'"],
  },
}

/** What holds for every request, whatever it asks for. */
export async function guardRequests(
  app: FastifyInstance,
  { log, requestsPerMinute, token }: RequestGuard,
): Promise<void> {
  // Whether TLS stands before it is not known here.
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: CONTENT_SECURITY_POLICY,
    xFrameOptions: { action: 'deny' },
    hsts: false,
  })
  await app.register(fastifyRateLimit, { global: false, max: requestsPerMinute, timeWindow: 60_000 })
  await app.register(fastifyBearerAuth, { addHook: false, keys: token === null ? [] : [token] })
  app.addHook('onRequest', app.rateLimit())
  app.addHook('onRequest', async (request, reply) => {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return answer(reply.header('allow', 'GET, HEAD'), 405, 'Here is nothing to change: only GET is answered.')
    const foreign = token === null ? foreignness(originOf(request)) : null
    return foreign === null ? undefined : answer(reply, 403, foreign)
  })
  app.setNotFoundHandler((_request, reply) =>
    answer(reply, 404, 'There is no such page: see /, /report.json, /events, /metrics, /livez and /readyz.'),
  )
  app.setErrorHandler((error: FastifyError, _request: FastifyRequest, reply: FastifyReply) => {
    const { sentence, status } = refusalOf(error)
    if (status === 401) void reply.header('www-authenticate', 'Bearer realm="scission"')
    if (status >= 500) log(`A request failed: ${error.stack ?? error.message}`)
    return answer(reply, status, sentence)
  })
}

/** What whoever asked is told. What only we can act on is not theirs to read. */
export function refusalOf({ statusCode = 500 }: Pick<FastifyError, 'statusCode'>): {
  readonly status: number
  readonly sentence: string
} {
  if (statusCode === 401)
    return { status: 401, sentence: 'This needs the token that the server was started with: Authorization: Bearer ….' }
  if (statusCode === 429) return { status: 429, sentence: 'Too many requests come from this address: wait a minute.' }
  return statusCode < 500
    ? { status: statusCode, sentence: 'The request cannot be read.' }
    : { status: 500, sentence: 'This failed: see what the server says.' }
}

/** Answers with a sentence. */
export function answer(reply: FastifyReply, status: number, sentence: string): FastifyReply {
  return reply
    .code(status)
    .headers({ 'cache-control': 'no-store', 'content-type': 'text/plain; charset=utf-8' })
    .send(`${sentence}\n`)
}

export type BearerCheck = NonNullable<FastifyInstance['verifyBearerAuth']>

/** Lets those pass who have the token. */
export function bearerCheck({ verifyBearerAuth }: FastifyInstance): BearerCheck {
  if (verifyBearerAuth === undefined) throw new Error('The check of tokens was not set up')
  return verifyBearerAuth
}
