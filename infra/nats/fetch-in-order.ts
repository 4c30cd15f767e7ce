import { type Consumer, ErrorCode, type JsMsg, type NatsConnection, NatsError } from 'nats'
import { isConnected } from './outage.ts'

/** Bytes asked for at once: enough to keep the link busy, and far below the 64 MB that a server holds for a slow connection. */
const FETCH_BYTES = 8 * 1024 * 1024

/** Room for subject, headers and protocol, which the server counts too. */
const MESSAGE_OVERHEAD_BYTES = 4096

const FETCH_EXPIRES_MS = 1_000

/**
 * The messages of a consumer as they come, and `idle` where none came for a second. It ends where one was lost on the
 * way: what was sent into a connection that broke is not sent again.
 * @throws NatsError where the connection or the consumer is gone.
 */
export async function* fetchInOrder(
  connection: NatsConnection,
  consumer: Consumer,
  signal: AbortSignal,
): AsyncGenerator<JsMsg | 'idle'> {
  let delivered = 0
  let limit: FetchLimit = byteLimit(connection)
  while (!signal.aborted) {
    const before = delivered
    for await (const message of fetchOnce(consumer, limit, signal)) {
      if (message.info.deliverySequence !== delivered + 1) return
      delivered += 1
      yield message
    }
    limit = byteLimit(connection)
    if (delivered > before || signal.aborted) continue
    if (!isConnected(connection)) throw NatsError.errorForCode(ErrorCode.Disconnect)
    const { delivered: sent, num_pending: left } = await consumer.info()
    if (sent.consumer_seq > delivered) return
    // A message that is larger than what is asked for is not sent, and nobody says so.
    if (left > 0) limit = { max_messages: 1 }
    else yield 'idle'
  }
}

type FetchLimit = { readonly max_bytes: number } | { readonly max_messages: number }

function byteLimit({ info }: NatsConnection): FetchLimit {
  return { max_bytes: Math.max(FETCH_BYTES, (info?.max_payload ?? 0) + MESSAGE_OVERHEAD_BYTES) }
}

async function* fetchOnce(consumer: Consumer, limit: FetchLimit, signal: AbortSignal): AsyncGenerator<JsMsg> {
  const batch = await consumer.fetch({ ...limit, expires: FETCH_EXPIRES_MS })
  const stop = (): void => batch.stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const message of batch) {
      if (signal.aborted) return
      yield message
    }
  } finally {
    signal.removeEventListener('abort', stop)
    batch.stop()
  }
}
