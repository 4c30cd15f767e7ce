import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'nats'
import { freePorts } from '../infra/embedded/free-port.ts'
import { createGuardedFolder } from '../infra/embedded/guarded-folder.ts'
import { findNatsBinary } from '../infra/embedded/nats-binary.ts'
import { natsConfiguration } from '../infra/embedded/nats-configuration.ts'

/** A broker whose store is a file system of its own, which a test fills and gives room. */
export interface SmallDiskNats {
  readonly url: string
  /** Whether a stream that met a full disk says so, and goes on by itself: one of nats-server 2.15 does neither. */
  readonly tellsOfFullDisk: boolean
  /** Removes the ballast that took most of the disk, and starts a broker again that would not go on by itself. */
  makeRoom(): Promise<void>
}

const USER = 'scission'
const PASSWORD = 'for-a-test'
const DISK_BYTES = 256 * 1024 * 1024
const START_TRIES = 200
const START_TRY_MS = 50

/**
 * Mounts the file system in a name space of its own, so that it is gone with the shell and the broker in it however they
 * end; the broker is begun again where it ends while the file exists.
 */
const MOUNT =
  'mount -t tmpfs -o size="$1" tmpfs "$2" && again="$2/again" && shift 2 && "$@"; while rm "$again"; do "$@"; done'

/** The way in which this system lets us mount: as root, else as the root of a user name space; null where it does not. */
function mountFlags(): readonly string[] | null {
  for (const flags of [['-m'], ['-Urm']]) {
    const tried = spawnSync('unshare', [...flags, 'sh', '-c', 'mount -t tmpfs tmpfs /mnt'], { stdio: 'ignore' })
    if (tried.status === 0) return flags
  }
  return null
}

/**
 * A broker on a real file system with so many bytes of room, for as long as `use` takes.
 * @returns whether it was run: a system may forbid to mount, which in continuous integration is a failure.
 */
export async function withSmallDiskNats(
  roomBytes: number,
  use: (nats: SmallDiskNats) => Promise<void>,
): Promise<boolean> {
  const flags = mountFlags()
  if (flags === null) {
    if (process.env['CI'] !== undefined)
      throw new Error('No file system can be mounted here, and CI must not skip this')
    return false
  }
  const folder = await createGuardedFolder()
  let child: ChildProcess | null = null
  try {
    const { program } = await findNatsBinary(process.env, folder)
    const [port = 0, monitorPort = 0] = await freePorts(2)
    const store = `${folder.path}/disk`
    const file = `${folder.path}/own.conf`
    await mkdir(store)
    await writeFile(file, natsConfiguration({ folder: store, user: USER, password: PASSWORD, port, monitorPort }))
    const command = ['sh', '-c', MOUNT, 'sh', String(DISK_BYTES), store, program, '--config', file]
    child = spawn('unshare', [...flags, ...command], { stdio: 'ignore' })
    const version = await untilAnswering(port)
    // Those between the two were not tried.
    const tellsOfFullDisk = version.startsWith('2.10.')
    const inside = `/proc/${child.pid}/root${store}`
    // The name space is seen from outside by way of its process. Manual: proc(5), /proc/pid/root.
    const ballast = `${inside}/ballast`
    await writeFile(ballast, Buffer.alloc(DISK_BYTES - roomBytes, 1))
    await use({
      url: `nats://${USER}:${PASSWORD}@127.0.0.1:${port}`,
      tellsOfFullDisk,
      makeRoom: async () => {
        await truncate(ballast, 0)
        await rm(ballast)
        if (tellsOfFullDisk || child?.pid === undefined) return
        await writeFile(`${inside}/again`, '')
        for (const broker of await childrenOf(child.pid)) process.kill(broker, 'SIGTERM')
        await untilAnswering(port)
      },
    })
    return true
  } finally {
    if (child?.pid !== undefined && child.exitCode === null) {
      const ended = once(child, 'exit')
      const brokers = await childrenOf(child.pid)
      child.kill('SIGKILL')
      for (const broker of brokers) process.kill(broker, 'SIGKILL')
      await ended
    }
    await folder.remove()
  }
}

/** Manual: proc(5), /proc/pid/task/tid/children. */
async function childrenOf(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return children
    .split(' ')
    .filter((text) => text !== '')
    .map(Number)
}

/** @returns the broker's version. */
async function untilAnswering(port: number): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    try {
      const connection = await connect({ servers: `127.0.0.1:${port}`, user: USER, pass: PASSWORD, reconnect: false })
      await connection.jetstreamManager()
      const version = connection.info?.version ?? ''
      await connection.close()
      return version
    } catch (error) {
      if (tries === START_TRIES) throw error
      await sleep(START_TRY_MS)
    }
  }
}
