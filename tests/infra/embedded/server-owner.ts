// A process for tests to kill: it starts one embedded server, tells where it is, and waits.
import { startEmbeddedNats } from '../../../infra/embedded/nats-server.ts'
import { startEmbeddedPostgres } from '../../../infra/embedded/postgres-server.ts'

const server = process.argv[2] === 'nats' ? await startEmbeddedNats() : await startEmbeddedPostgres({ fsync: false })
process.stdout.write(`${JSON.stringify({ url: server.url })}\n`)
setInterval(() => {}, 60_000)
