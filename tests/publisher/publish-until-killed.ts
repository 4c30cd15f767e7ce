import { publishSnapshot } from '../../publisher/publish-snapshot.ts'
import { createReadPace } from '../../publisher/read-pace.ts'
import { BANK } from './bank.ts'

/** A process of its own that publishes the bank, to be killed, or to kill itself. It prints its events. */
const [prefix = '', url = '', natsUrl = '', slot = 'slot', readers = '2', rate = ''] = process.argv.slice(2)

await publishSnapshot(
  {
    set: BANK,
    prefix,
    monolith: { title: 'the monolith', variable: 'MONOLITH_DATABASE_URL', url },
    nats: { url: natsUrl, credentialsFile: null, caFile: null },
  },
  {
    withSlot: slot === 'slot',
    newEpoch: false,
    readers: Number(readers),
    ...(rate !== '' && { pace: createReadPace(Number(rate)) }),
    pageBytes: 65_536,
    maxOutageMs: 20_000,
    signal: new AbortController().signal,
  },
  (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
)
