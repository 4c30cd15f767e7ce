import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'nats'
import { freePorts } from '../../infra/embedded/free-port.ts'
import { createGuardedFolder } from '../../infra/embedded/guarded-folder.ts'
import { findNatsBinary } from '../../infra/embedded/nats-binary.ts'
import { natsConfiguration } from '../../infra/embedded/nats-configuration.ts'

/** A broker of a test's own that can be stopped and started on the same store and port. */
export interface RestartableNats {
  readonly url: string
  readonly port: number
  /** Its monitoring pages, and the folder of its streams. */
  readonly monitorUrl: string
  readonly storeFolder: string
  /** Its process, while it runs. */
  pid(): number
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  start(): Promise<void>
  /** Stops it as it is, and lets it go on. */
  pause(isPaused: boolean): void
  /** Keeps a copy of the stopped broker's store, or puts it back. */
  saveStore(): Promise<void>
  restoreStore(): Promise<void>
}

const USER = 'scission'
const PASSWORD = 'for-a-test'
const START_TRIES = 100
const START_TRY_MS = 50

/** @param syncInterval how long a write may be in its memory alone, such as `1h`; nothing is by default. */
export async function withRestartableNats<Result>(
  use: (nats: RestartableNats) => Promise<Result>,
  syncInterval?: string,
): Promise<Result> {
  const folder = await createGuardedFolder()
  let child: ChildProcess | null = null
  try {
    const { program } = await findNatsBinary(process.env, folder)
    const [port = 0, monitorPort = 0] = await freePorts(2)
    const store = `${folder.path}/own`
    const file = `${folder.path}/own.conf`
    await mkdir(store, { recursive: true })
    const access = { user: USER, password: PASSWORD, port, monitorPort }
    const sync = syncInterval === undefined ? {} : { syncInterval }
    await writeFile(file, natsConfiguration({ folder: store, ...access, ...sync }))
    const stop = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
      if (child === null) return
      const ended = once(child, 'exit')
      child.kill(signal)
      await ended
      child = null
    }
    const start = async (): Promise<void> => {
      child = spawn(program, ['--config', file], { stdio: 'ignore' })
      await untilAnswering(port)
    }
    await start()
    const nats: RestartableNats = {
      url: `nats://${USER}:${PASSWORD}@127.0.0.1:${port}`,
      port,
      monitorUrl: `http://127.0.0.1:${monitorPort}`,
      storeFolder: `${store}/jetstream`,
      pid: () => child?.pid ?? 0,
      stop,
      start,
      pause: (isPaused) => void child?.kill(isPaused ? 'SIGSTOP' : 'SIGCONT'),
      saveStore: async () => await cp(`${store}/jetstream`, `${store}/saved`, { recursive: true }),
      restoreStore: async () => {
        await rm(`${store}/jetstream`, { recursive: true })
        await cp(`${store}/saved`, `${store}/jetstream`, { recursive: true })
      },
    }
    try {
      return await use(nats)
    } finally {
      await stop('SIGKILL')
    }
  } finally {
    await folder.remove()
  }
}

async function untilAnswering(port: number): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      const servers = `127.0.0.1:${port}`
      const connection = await connect({ servers, user: USER, pass: PASSWORD, reconnect: false })
      await connection.jetstreamManager()
      await connection.close()
      return
    } catch (error) {
      if (tries === START_TRIES) throw error
      await sleep(START_TRY_MS)
    }
  }
}
