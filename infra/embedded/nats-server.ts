import { writeFile } from 'node:fs/promises'
import { connect } from 'nats'
import { LOOPBACK } from './free-port.ts'
import type { GuardedProgram } from './guard.ts'
import { keepIfDone, type GuardedFolder } from './guarded-folder.ts'
import { findNatsBinary } from './nats-binary.ts'
import { natsConfiguration, type NatsConfiguration } from './nats-configuration.ts'
import { giveToOwnerOf } from './own-folder.ts'
import type { Environment } from './run-program.ts'
import { randomPassword, sayOnStandardError, startOnFreePorts } from './server-start.ts'

export type EmbeddedNatsOptions = {
  /** The largest message, headers included; the server's own default of 1 MiB if not given. */
  readonly maxPayloadBytes?: number
  /** Whether each write is on disk before it is acknowledged. On by default, as production should have it. */
  readonly syncAlways?: boolean
  /** In place of it: how long a write may be in memory alone, such as `1s`. */
  readonly syncInterval?: string
  /** Where to look for the program: the process's environment by default. */
  readonly environment?: Environment
  /** Where its private folder is made if it can be; the project's folder or the system's temporary one by default. */
  readonly place?: string
  /** Told what was passed over in looking for the program; standard error by default. */
  readonly say?: (sentence: string) => void
}

export type EmbeddedNats = {
  /** The URL for clients, user and password included. */
  readonly url: string
  readonly user: string
  readonly password: string
  readonly port: number
  /** The port of the monitoring pages, as http://127.0.0.1:<port>/varz. */
  readonly monitorPort: number
  readonly version: string
  /** Ends the server and removes its streams. May be called again. */
  stop(): Promise<void>
}

const USER = 'scission'
const STOP_GRACE_MS = 5_000
const ANSWER_LIMIT_MS = 2_000

/**
 * A private NATS server on a free port of loopback, for as long as `use` takes.
 *
 * @throws Failure where no program serves or the server does not start.
 */
export async function withEmbeddedNats<Result>(
  options: EmbeddedNatsOptions,
  use: (server: EmbeddedNats) => Promise<Result>,
): Promise<Result> {
  const server = await startEmbeddedNats(options)
  try {
    return await use(server)
  } finally {
    await server.stop()
  }
}

/**
 * Starts a private NATS server with JetStream on disk. It ends, and its streams go, with `stop` or with this process,
 * however that ends; it does not keep this process alive.
 *
 * @throws Failure where no program serves or the server does not start.
 */
export async function startEmbeddedNats(options: EmbeddedNatsOptions = {}): Promise<EmbeddedNats> {
  return keepIfDone((folder) => startIn(folder, options), options.place)
}

async function startIn(folder: GuardedFolder, options: EmbeddedNatsOptions): Promise<EmbeddedNats> {
  const { say = sayOnStandardError, environment = process.env, place: _place, ...settings } = options
  const binary = await findNatsBinary(environment, folder)
  binary.passedOver.forEach(say)
  const password = randomPassword()
  const [port = 0, monitorPort = 0] = await startOnFreePorts({
    name: 'NATS',
    folder,
    portCount: 2,
    program: async ([itsPort = 0, itsMonitorPort = 0]) => {
      const own = { folder: folder.path, user: USER, password, port: itsPort, monitorPort: itsMonitorPort }
      return serverProgram(binary.program, await writeConfiguration({ ...settings, ...own }))
    },
    answers: ([itsPort = 0]) => answers(itsPort, password),
  })
  const url = `nats://${USER}:${password}@${LOOPBACK}:${port}`
  return { url, user: USER, password, port, monitorPort, version: binary.version, stop: folder.remove }
}

async function writeConfiguration(configuration: NatsConfiguration): Promise<string> {
  const { folder, port } = configuration
  const file = `${folder}/nats-${port}.conf`
  await writeFile(file, natsConfiguration(configuration), { mode: 0o600 })
  await giveToOwnerOf(folder, file)
  return file
}

function serverProgram(program: string, configuration: string): GuardedProgram {
  const environment = { TZ: 'UTC' }
  return { program, args: ['--config', configuration], environment, signal: 'TERM', graceMs: STOP_GRACE_MS }
}

async function answers(port: number, pass: string): Promise<boolean> {
  const servers = `${LOOPBACK}:${port}`
  try {
    const connection = await connect({ servers, user: USER, pass, reconnect: false, timeout: ANSWER_LIMIT_MS })
    await connection.jetstreamManager()
    await connection.close()
    return true
  } catch {
    return false
  }
}
