import { execFile } from 'node:child_process'
import { appendFile, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { freePorts } from '../../infra/embedded/free-port.ts'
import { createGuardedFolder } from '../../infra/embedded/guarded-folder.ts'
import { giveToOwnerOf } from '../../infra/embedded/own-folder.ts'
import { findPostgresBinaries } from '../../infra/embedded/postgres-binaries.ts'
import { postgresEnvironment } from '../../infra/embedded/postgres-cluster.ts'
import { runSql, withClient } from '../command-line/shop.ts'
import { untilTrue } from '../publisher/with-bank.ts'
import type { RestartablePostgres } from '../restartable-postgres.ts'

/** A physical standby of a server, on a port of its own. */
export interface Standby {
  readonly url: string
  readonly port: number
  /** Returns when it has all that the server has by now. */
  catchUp(): Promise<void>
  /** From now on it gets nothing any more. */
  disconnect(): Promise<void>
  promote(): Promise<void>
}

const START_LIMIT_MS = 30_000

/**
 * A standby that streams from the server, made of a copy of its files while it rests, which is as good as
 * `pg_basebackup` and needs no program. Manual: "Log-Shipping Standby Servers".
 */
export async function withStandby<Result>(
  primary: RestartablePostgres,
  use: (standby: Standby) => Promise<Result>,
): Promise<Result> {
  const folder = await createGuardedFolder()
  try {
    const { folder: binaries } = await findPostgresBinaries(process.env, folder.user, folder.path)
    const data = `${folder.path}/data`
    await primary.stop('fast')
    await promisify(execFile)('cp', ['-a', `${primary.folder.path}/data`, data])
    await primary.start()
    const { password, port: primaryPort, username } = new URL(primary.url)
    const from = `host=127.0.0.1 port=${primaryPort} user=${username} password=${password}`
    await appendFile(`${data}/postgresql.auto.conf`, `primary_conninfo = '${from}'\n`)
    await writeFile(`${data}/standby.signal`, '')
    await giveToOwnerOf(folder.path, data)
    const [port = 0] = await freePorts(1)
    const args = ['-D', data, '-p', String(port)]
    await folder.run({
      program: `${binaries}/postgres`,
      args,
      environment: postgresEnvironment,
      signal: 'QUIT',
      graceMs: 8_000,
    })
    const url = Object.assign(new URL(primary.url), { port }).href
    await untilAnswering(url)
    return await use({
      url,
      port,
      catchUp: async () => {
        const lsn = await withClient(primary.url, async (client) => {
          const { rows } = await client.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn')
          return rows[0]?.lsn
        })
        await withClient(
          url,
          async (client) => await untilTrue(client, `pg_last_wal_replay_lsn() >= '${lsn}'`, START_LIMIT_MS),
        )
      },
      disconnect: async () => {
        await runSql(url, [`ALTER SYSTEM SET primary_conninfo = ''`, 'SELECT pg_reload_conf()'])
        await withClient(
          url,
          async (client) => await untilTrue(client, 'NOT EXISTS (SELECT FROM pg_stat_wal_receiver)'),
        )
      },
      promote: async () => {
        await runSql(url, ['SELECT pg_promote()'])
        await withClient(url, async (client) => await untilTrue(client, 'NOT pg_is_in_recovery()'))
      },
    })
  } finally {
    await folder.remove()
  }
}

async function untilAnswering(url: string): Promise<void> {
  for (const deadline = Date.now() + START_LIMIT_MS; ;)
    try {
      return await runSql(url, ['SELECT 1'])
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
}
