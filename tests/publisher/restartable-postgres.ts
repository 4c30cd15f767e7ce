import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { freePorts } from '../../infra/embedded/free-port.ts'
import { createGuardedFolder } from '../../infra/embedded/guarded-folder.ts'
import { findPostgresBinaries } from '../../infra/embedded/postgres-binaries.ts'
import { createCluster, postgresEnvironment } from '../../infra/embedded/postgres-cluster.ts'

/** A server of a test's own that can be stopped and started on the same data and port. */
export interface RestartablePostgres {
  readonly url: string
  readonly port: number
  /** Manual: "Shutting Down the Server"; SIGINT breaks sessions off, SIGQUIT is as a crash. */
  stop(signal: 'SIGINT' | 'SIGQUIT'): Promise<void>
  start(): Promise<void>
}

const PASSWORD = 'for-a-test'
const START_TRIES = 300
const START_TRY_MS = 50

export async function withRestartablePostgres<Result>(
  use: (server: RestartablePostgres) => Promise<Result>,
): Promise<Result> {
  const folder = await createGuardedFolder()
  try {
    const { folder: binaries } = await findPostgresBinaries(process.env, folder.user, folder.path)
    await createCluster({ folder, binaries, password: PASSWORD, settings: {}, fsync: false })
    const [port = 0] = await freePorts(1)
    const url = `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`
    let ended: Promise<unknown> = Promise.resolve()
    const start = async (): Promise<void> => {
      const program = `${binaries}/postgres`
      const args = ['-D', `${folder.path}/data`, '-p', String(port)]
      const run = await folder.run({ program, args, environment: postgresEnvironment, signal: 'QUIT', graceMs: 8_000 })
      ended = run.ended
      await untilAnswering(url)
    }
    const stop = async (signal: 'SIGINT' | 'SIGQUIT'): Promise<void> => {
      const [pid] = (await readFile(`${folder.path}/data/postmaster.pid`, 'utf8')).split('\n')
      process.kill(Number(pid), signal)
      await ended
    }
    await start()
    return await use({ url, port, start, stop })
  } finally {
    await folder.remove()
  }
}

async function untilAnswering(url: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const client = new Client({ connectionString: url })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return await client.end()
    } catch (error) {
      if (tries === START_TRIES) throw error
      await sleep(START_TRY_MS)
    }
  }
}
