import { readdir, stat } from 'node:fs/promises'
import type { EmbeddedNats } from '../../infra/embedded/nats-server.ts'
import type { EmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'
import { findProcess, parentOf } from './process-table.ts'
import { withClient } from './servers.ts'

/** The postmaster, which starts all sessions. Undefined where processes cannot be watched. */
export async function postgresProcess(postgres: EmbeddedPostgres): Promise<number | undefined> {
  return await withClient(postgres.url, async (client) => {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    return parentOf(rows[0]?.pid ?? 0)
  })
}

export function natsProcess(nats: EmbeddedNats): number | undefined {
  return findProcess((commandLine) => configurationOf(nats, commandLine) !== undefined)
}

/** The bytes of the files that hold a broker's streams; undefined where its folder cannot be found. */
export async function logFileBytes(nats: EmbeddedNats): Promise<number | undefined> {
  let folder: string | undefined
  findProcess((commandLine) => {
    const file = configurationOf(nats, commandLine)
    if (file !== undefined) folder = file.slice(0, file.lastIndexOf('/'))
    return file !== undefined
  })
  if (folder === undefined) return undefined
  const entries = await readdir(`${folder}/jetstream`, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(files.map(async ({ path, name }) => (await stat(`${path}/${name}`)).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** The server itself has nothing but its configuration on its command line; its guard has more. */
function configurationOf({ port }: EmbeddedNats, commandLine: readonly string[]): string | undefined {
  const [, flag, file, ...others] = commandLine
  return flag === '--config' && file?.endsWith(`/nats-${port}.conf`) === true && others.length === 0 ? file : undefined
}
