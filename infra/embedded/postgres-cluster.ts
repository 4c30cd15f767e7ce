import { appendFile, rm, writeFile } from 'node:fs/promises'
import { timeIsUp, within } from './deadline.ts'
import type { GuardedProgram } from './guard.ts'
import type { GuardedFolder } from './guarded-folder.ts'
import { giveToOwnerOf } from './own-folder.ts'
import { settingsFile, type PostgresSettings } from './postgres-settings.ts'
import { readLog, startFailure } from './server-start.ts'

/** What a new PostgreSQL data directory is made of. */
export type Cluster = {
  readonly folder: GuardedFolder
  readonly binaries: string
  readonly password: string
  readonly settings: PostgresSettings
  readonly fsync: boolean
}

/**
 * The first locale that the system has: both sort by code point, and only C.UTF-8 knows letters beyond ASCII.
 */
const LOCALES = ['C.UTF-8', 'C'] as const

const INITDB_LIMIT_MS = 60_000
const INITDB_GRACE_MS = 2_000

/** The environment of PostgreSQL's programs. A time zone that is given spares initdb the search for the system's. */
export const postgresEnvironment = { TZ: 'UTC', LC_ALL: 'C' } as const

/**
 * Makes a data directory of its own for each server, not a copy of a template: copies would share one system
 * identifier, by which a follower tells one server from another.
 *
 * @throws Failure with the end of initdb's output where it fails.
 */
export async function createCluster(cluster: Cluster): Promise<void> {
  await writePasswordFile(cluster)
  await initialise(cluster)
  await rm(`${cluster.folder.path}/password`)
  await appendFile(`${cluster.folder.path}/data/postgresql.conf`, settingsFile(cluster.settings, cluster.fsync))
}

async function initialise(cluster: Cluster): Promise<void> {
  for (const locale of LOCALES) {
    const { ended } = await cluster.folder.run(initdb(cluster, locale))
    const status = await within(INITDB_LIMIT_MS, ended)
    if (status === 0) return
    const log = await readLog(cluster.folder.path)
    if (!/invalid locale/.test(log)) throw startFailure('PostgreSQL', status === timeIsUp ? 'late' : 'ended', log)
  }
  throw startFailure('PostgreSQL', 'ended', `This system has none of the locales ${LOCALES.join(', ')}.`)
}

function initdb({ folder, binaries }: Cluster, locale: string): GuardedProgram {
  const args = ['-D', `${folder.path}/data`, '-U', 'postgres', '--encoding=UTF8', `--locale=${locale}`]
  const access = ['--auth=scram-sha-256', `--pwfile=${folder.path}/password`]
  return {
    program: `${binaries}/initdb`,
    args: [...args, ...access, '--no-sync', '--no-instructions'],
    environment: postgresEnvironment,
    signal: 'TERM',
    graceMs: INITDB_GRACE_MS,
  }
}

/** A password on the command line would show in the list of processes. */
async function writePasswordFile({ folder, password }: Cluster): Promise<void> {
  const file = `${folder.path}/password`
  await writeFile(file, `${password}\n`, { mode: 0o600 })
  await giveToOwnerOf(folder.path, file)
}
