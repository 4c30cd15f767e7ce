import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { freePorts } from '../infra/embedded/free-port.ts'
import { createGuardedFolder, type GuardedFolder } from '../infra/embedded/guarded-folder.ts'
import { findPostgresBinaries } from '../infra/embedded/postgres-binaries.ts'
import { type Cluster, createCluster, postgresEnvironment } from '../infra/embedded/postgres-cluster.ts'

/** A server of a test's own that can be stopped and started on the same data and port. */
export interface RestartablePostgres {
  /** The superuser's, of the database `postgres`. */
  readonly url: string
  readonly port: number
  readonly folder: GuardedFolder
  /** Returns when the server has ended: its sessions by themselves, without a word, or killed. */
  stop(how: 'fast' | 'immediate' | 'killed'): Promise<void>
  start(): Promise<void>
  /** The postmaster's process. */
  pid(): Promise<number>
}

/** A program that runs another one, for example where only that one sees a file system. */
export type Wrapper = (program: readonly string[]) => readonly [string, ...string[]]

/** Manual: "Shutting Down the Server". */
const SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT', killed: 'SIGKILL' } as const

const PASSWORD = 'for-a-test'
const START_TRIES = 200
const START_TRY_MS = 100

/** What a killed server leaves of its processes keeps the next one from starting, for a moment. */
const FRESH_STARTS = 20

export async function withRestartablePostgres<Result>(
  use: (server: RestartablePostgres) => Promise<Result>,
  wrapperIn: (folder: GuardedFolder) => Promise<Wrapper> = async () => identity,
): Promise<Result> {
  const folder = await createGuardedFolder()
  try {
    const { folder: binaries } = await findPostgresBinaries(process.env, folder.user, folder.path)
    const cluster: Cluster = { folder, binaries, password: PASSWORD, settings: {}, fsync: true }
    await createCluster(cluster)
    const [port = 0] = await freePorts(1)
    const server = restartable(cluster, port, await wrapperIn(folder))
    await server.start()
    return await use(server)
  } finally {
    await folder.remove()
  }
}

function restartable({ folder, binaries }: Cluster, port: number, wrap: Wrapper): RestartablePostgres {
  const data = `${folder.path}/data`
  const url = `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`
  let running: Promise<unknown> = Promise.resolve()
  const run = async (): Promise<void> => {
    const [program, ...args] = wrap([`${binaries}/postgres`, '-D', data, '-p', String(port)])
    const environment = postgresEnvironment
    running = (await folder.run({ program, args, environment, signal: 'QUIT', graceMs: 8_000 })).ended
  }
  const pid = async (): Promise<number> => Number.parseInt(await readFile(`${data}/postmaster.pid`, 'utf8'), 10)
  return {
    url,
    port,
    folder,
    pid,
    stop: async (how) => {
      // A guarded program keeps no process alive, and this one has to see it end.
      const alive = setInterval(() => undefined, 1_000)
      process.kill(await pid(), SIGNALS[how])
      await running.finally(() => clearInterval(alive))
    },
    start: async () => {
      for (let starts = 1; ; starts += 1) {
        await run()
        const outcome = await Promise.race([untilAnswering(url), running.then(() => 'ended' as const)])
        if (outcome === 'answers') return
        if (starts === FRESH_STARTS) throw new Error(await readFile(`${folder.path}/log`, 'utf8'))
        await sleep(START_TRY_MS)
      }
    },
  }
}

function identity(program: readonly string[]): readonly [string, ...string[]] {
  const [first = '', ...more] = program
  return [first, ...more]
}

async function untilAnswering(url: string): Promise<'answers'> {
  for (let tries = 1; ; tries += 1) {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return 'answers'
    } catch (error) {
      if (tries === START_TRIES) throw error
      await sleep(START_TRY_MS)
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}
