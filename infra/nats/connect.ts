import { readFile } from 'node:fs/promises'
import { connect, type ConnectionOptions, credsAuthenticator, type NatsConnection, NatsError } from 'nats'
import { Failure } from '../../contracts/failure.ts'
import { isOutage } from './outage.ts'
import { natsUrls } from './server-urls.ts'

/**
 * NATS as the configuration names it: `NATS_URL`, which may hold user and password and name several servers of a cluster,
 * and files by path.
 */
export interface NatsTarget {
  readonly url: string
  readonly credentialsFile: string | null
  readonly caFile: string | null
}

/** NATS itself is what is in the way. */
export class BrokerFailure extends Failure {}

/** Of 2.10, the releases before this one could delete a stream on a kill, or know no S2 compression. */
export const OLDEST_NATS = '2.10.23'

const CONNECT_TIMEOUT_MS = 10_000

/** Waits between two tries are short: an outage is waited for by the caller, which says so. */
const RECONNECT_WAIT_MS = 500

/** A broker that fell silent is noticed after three of these: by itself the client would wait for up to six minutes. */
const PING_INTERVAL_MS = 10_000

/**
 * Connects, and never gives up reconnecting: the client's own ten attempts would close it for good after 20 seconds.
 * @param purpose names the connection for the operator, for example `consume iam`.
 * @throws Failure 2 for a URL or file that cannot be used, 4 where the server does not let us in or is too old.
 */
export async function connectNats(target: NatsTarget, purpose: string): Promise<NatsConnection> {
  const options = await connectionOptions(target, purpose)
  let connection: NatsConnection
  try {
    connection = await connect(options)
  } catch (cause) {
    throw natsFailure(target, cause)
  }
  const mistake = serverMistake(connection.info?.version ?? 'of no version', connection.info?.jetstream === true)
  if (mistake === null) return connection
  await connection.close()
  throw new BrokerFailure(4, `NATS at ${publicNatsPlace(target)} ${mistake}`)
}

/** Runs an action with a connection of its own, and closes it. */
export async function withNats<Result>(
  target: NatsTarget,
  purpose: string,
  action: (connection: NatsConnection) => Promise<Result>,
): Promise<Result> {
  const connection = await connectNats(target, purpose)
  try {
    return await action(connection)
  } finally {
    await connection.close()
  }
}

/** What makes a server unusable, as the end of a sentence; null where nothing does. */
export function serverMistake(version: string, jetstream: boolean): string | null {
  if (!isAtLeast(version, OLDEST_NATS))
    return `is ${version}: Scission needs ${OLDEST_NATS} or later (S2 compression, and streams that survive a kill); upgrade the server.`
  return jetstream ? null : 'runs without JetStream: start it with a jetstream block in its configuration.'
}

/** Compares dotted versions by their first three numbers; a suffix such as `-beta.1` is not looked at. */
export function isAtLeast(version: string, least: string): boolean {
  const [own, wanted] = [versionNumbers(version), versionNumbers(least)]
  for (const [index, number] of wanted.entries()) {
    const ours = own[index] ?? Number.NaN
    if (Number.isNaN(ours)) return false
    if (ours !== number) return ours > number
  }
  return true
}

function versionNumbers(version: string): number[] {
  return version
    .split(/[.-]/)
    .slice(0, 3)
    .map((part) => Number.parseInt(part, 10))
}

async function connectionOptions(target: NatsTarget, purpose: string): Promise<ConnectionOptions> {
  const texts = natsUrls(target.url)
  const urls = texts.flatMap((text) => (URL.canParse(text) ? [new URL(text)] : []))
  if (urls.length < texts.length || urls.some(({ protocol, hostname }) => !isServer(protocol, hostname)))
    throw new Failure(2, 'NATS_URL is not a NATS URL: give it as nats://user:password@host:4222.')
  const tls = urls.some(({ protocol }) => protocol === 'tls:') || target.caFile !== null
  const { username, password } = urls.find((url) => url.username !== '') ?? { username: '', password: '' }
  return {
    servers: urls.map(({ host }) => host),
    name: `scission ${purpose}`,
    timeout: CONNECT_TIMEOUT_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    pingInterval: PING_INTERVAL_MS,
    // Else each request and each publication takes two stacks, for an error that hardly any of them meets.
    noAsyncTraces: true,
    ...(username === '' ? {} : { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
    ...(tls ? { tls: target.caFile === null ? {} : { caFile: target.caFile } } : {}),
    ...(target.credentialsFile === null
      ? {}
      : { authenticator: credsAuthenticator(await readCredentials(target.credentialsFile)) }),
  }
}

function isServer(protocol: string, hostname: string): boolean {
  return /^(nats|tls):$/.test(protocol) && /^[^,]+$/.test(hostname)
}

async function readCredentials(path: string): Promise<Uint8Array> {
  return await readFile(path).catch((cause: unknown) => {
    throw new Failure(2, `NATS_CREDENTIALS_FILE names ${path}, which cannot be read: correct the path.`, { cause })
  })
}

function natsFailure(target: NatsTarget, cause: unknown): Failure {
  const place = `NATS at ${publicNatsPlace(target)} (NATS_URL)`
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const said = cause instanceof Error ? cause.message : String(cause)
  if (code === 'AUTHORIZATION_VIOLATION' || /authoriz/i.test(said))
    return new BrokerFailure(4, `${place} refuses that user and password: correct the URL, or NATS_CREDENTIALS_FILE.`, {
      cause,
    })
  if (code === 'CONNECTION_REFUSED' || code === 'TIMEOUT' || /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(said))
    return new BrokerFailure(
      4,
      `${place} does not answer: check the host and the port, and that nats-server is running there.`,
      { cause },
    )
  return new BrokerFailure(4, `${place} cannot be used: ${said}.`, { cause })
}

/**
 * What a request to the broker failed with, in an operator's words: 5 where it did not answer, 4 where it refused. An error
 * that is not the broker's comes back as it is.
 * @param wayOut ends the sentence, for example `run publish again`.
 */
export function brokerFailure(target: NatsTarget, error: unknown, wayOut: string): unknown {
  if (!(error instanceof NatsError)) return error
  const place = `NATS at ${publicNatsPlace(target)} (NATS_URL)`
  if (isOutage(error))
    return new BrokerFailure(
      5,
      `${place} did not answer (${error.message}): see that it runs and can be reached, then ${wayOut}.`,
      { cause: error },
    )
  const said = error.api_error === undefined ? error.code : `code ${error.api_error.err_code}`
  return new BrokerFailure(
    4,
    `${place} refuses a request: ${error.message} (${said}); put that right, then ${wayOut}.`,
    {
      cause: error,
    },
  )
}

/** Host and port of each server, without user and password. */
export function publicNatsPlace({ url }: NatsTarget): string {
  const texts = natsUrls(url)
  return texts.every((text) => URL.canParse(text))
    ? texts.map((text) => new URL(text).host).join(', ')
    : 'an address that is not a URL'
}
