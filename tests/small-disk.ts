import { execFile, spawnSync } from 'node:child_process'
import { chown, mkdir, statfs } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { GuardedFolder } from '../infra/embedded/guarded-folder.ts'
import { findServerUser } from '../infra/embedded/unprivileged-user.ts'
import { type RestartablePostgres, withRestartablePostgres, type Wrapper } from './restartable-postgres.ts'

const run = promisify(execFile)

/** A file system of its own that a server's tablespace is on, and that a test fills and frees. */
export interface SmallDisk {
  /** Where it is for the server. */
  readonly path: string
  /** Takes all of its room but this. */
  fill(leftBytes: number): Promise<void>
  free(): Promise<void>
}

/**
 * How a small file system can be had here: mounted for the server alone, in a namespace of its own, with which it goes; or
 * by root for everybody.
 */
export type Way = 'namespace' | 'mount'

const NAMESPACE = ['--user', '--map-current-user', '--mount', '--keep-caps'] as const

/** @returns null where neither way works, as in a container without privileges. */
export async function wayToSmallDisk(): Promise<Way | null> {
  const trial = ['sh', '-c', 'mount -t tmpfs -o size=1m tmpfs /tmp']
  const { ids } = await findServerUser()
  if (spawnSync('unshare', [...NAMESPACE, ...trial], { ...ids }).status === 0) return 'namespace'
  const isRoot = process.getuid?.() === 0
  return isRoot && spawnSync('unshare', ['--mount', ...trial]).status === 0 ? 'mount' : null
}

/** A server of a test's own with a small file system that it may make a tablespace on. */
export async function withSmallDisk<Result>(
  way: Way,
  sizeBytes: number,
  use: (server: RestartablePostgres, disk: SmallDisk) => Promise<Result>,
): Promise<Result> {
  return await withRestartablePostgres(
    async (server) => {
      const path = diskPath(server.folder)
      try {
        return await use(
          server,
          smallDisk(server.folder, way === 'mount' ? path : `/proc/${await server.pid()}/root${path}`),
        )
      } finally {
        if (way === 'mount') {
          await server.stop('immediate')
          await run('umount', [path])
        }
      }
    },
    async (folder) => await mountIn(folder, way, sizeBytes),
  )
}

function diskPath(folder: GuardedFolder): string {
  return `${folder.path}/small`
}

async function mountIn(folder: GuardedFolder, way: Way, sizeBytes: number): Promise<Wrapper> {
  const path = diskPath(folder)
  const { uid, gid } = folder.user.ids ?? {}
  await mkdir(path, { mode: 0o700 })
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid)
  const mount = ['mount', '-t', 'tmpfs', '-o', `size=${sizeBytes},mode=0700`, 'tmpfs', path]
  if (way === 'namespace')
    return (program) => ['unshare', ...NAMESPACE, 'sh', '-c', `${mount.join(' ')} && exec "$@"`, 'sh', ...program]
  const [command = '', ...args] = mount
  await run(command, args)
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid)
  return ([first = '', ...more]) => [first, ...more]
}

/**
 * The server's user fills it, since a namespace knows no other.
 * @param seen where it is for us.
 */
function smallDisk({ path: folder, user }: GuardedFolder, seen: string): SmallDisk {
  const filling = `${seen}/filling`
  return {
    path: `${folder}/small`,
    fill: async (leftBytes) => {
      const { bavail, bsize } = await statfs(seen)
      const bytes = Math.max(1, bavail * bsize - leftBytes)
      await run('fallocate', ['--length', String(bytes), filling], { ...user.ids })
    },
    free: async () => void (await run('rm', ['-f', filling], { ...user.ids })),
  }
}
