import { ANSWER_LIMIT_MS, consume, CONSUMER_WINDOW_BYTES } from '../../consumers/consume.ts'
import { createByteWindow } from '../../infra/byte-window.ts'
import { sales, shop } from './shop.ts'

/** A process of its own that consumes the service `sales`, in transactions of a given size by so many loaders, to be killed. */
const [prefix = '', url = '', natsUrl = '', transactionBytes = '', loaders = ''] = process.argv.slice(2)

await consume(
  {
    set: shop,
    service: sales,
    prefix,
    database: { title: 'the database of service sales', variable: 'SALES_DATABASE_URL', url },
    nats: { url: natsUrl, credentialsFile: null, caFile: null },
    window: createByteWindow(CONSUMER_WINDOW_BYTES),
  },
  {
    untilCaughtUp: true,
    loaders: Number(loaders),
    transactionBytes: Number(transactionBytes),
    maxWaitMs: 10_000,
    answerLimitMs: ANSWER_LIMIT_MS,
    signal: new AbortController().signal,
  },
  (event) => process.stdout.write(`${event.type}\n`),
)
