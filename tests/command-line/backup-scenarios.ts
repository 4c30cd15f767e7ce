import { randomBytes } from 'node:crypto'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { withDatabase } from '../with-servers.ts'
import { withFakeNewPostgres } from './backup-fake-postgres.ts'
import { type CommandResult, runCommand } from './run-command.ts'
import type { Scenario } from './scenarios-of-usage.ts'
import { runSql, withFolder } from './shop.ts'

/** `backup --out today` of a database, in a folder that was made ready. */
function backupAfter(makeReady: (folder: string) => Promise<void>, out = 'today'): Scenario {
  return async () =>
    await withFolder(async (folder) => {
      await makeReady(folder)
      return await withDatabase(async (url) => await backUp(url, folder, out))
    })
}

/** With programs that tell a version and do nothing: what is refused here is refused before they would run. */
async function backUp(url: string, folder: string, out = 'today', pgDump = '90.1'): Promise<CommandResult> {
  const bin = `${folder}/bin`
  await mkdir(bin)
  for (const name of ['pg_dump', 'pg_restore']) {
    await writeFile(`${bin}/${name}`, `#!/bin/sh\necho '${name} (PostgreSQL) ${pgDump}'\n`)
    await chmod(`${bin}/${name}`, 0o755)
  }
  const environment = { MONOLITH_DATABASE_URL: url, SCISSION_POSTGRES_BIN: bin }
  return await runCommand(['backup', '--out', out], { environment, folder })
}

/** The same as a role that is no superuser, which every statement names `reader`. */
function backupAsRole(...statements: string[]): Scenario {
  return async () =>
    await withDatabase(async (url) => {
      const role = `reader_${randomBytes(4).toString('hex')}`
      await runSql(url, [`CREATE ROLE ${role} LOGIN PASSWORD 'hidden-13'`, 'CREATE TABLE "Order" (id integer)'])
      try {
        await runSql(
          url,
          statements.map((statement) => statement.replaceAll('reader', role)),
        )
        const own = Object.assign(new URL(url), { username: role, password: 'hidden-13' })
        return await withFolder(async (folder) => await backUp(own.href, folder))
      } finally {
        await runSql(url, [`DROP OWNED BY ${role}`, `DROP ROLE ${role}`])
      }
    })
}

/** What a backup refuses. */
export const BACKUP_SCENARIOS: Readonly<Record<string, Scenario>> = {
  'backup-without-out': async () => await runCommand(['backup']),
  'backup-folder-exists': backupAfter(async (folder) => await mkdir(`${folder}/today`)),
  'backup-no-place': backupAfter(async () => undefined, 'nowhere/today'),
  'backup-not-ours': backupAfter(async (folder) => {
    await mkdir(`${folder}/today.partial`)
    await writeFile(`${folder}/today.partial/letter.txt`, 'of somebody else')
  }),
  'backup-old-pg-dump': async () =>
    await withFakeNewPostgres(async (url) => await withFolder(async (folder) => await backUp(url, folder))),
  'backup-unreadable': backupAsRole(),
  'backup-hidden-rows': backupAsRole(
    'GRANT SELECT ON "Order" TO reader',
    'ALTER TABLE "Order" ENABLE ROW LEVEL SECURITY',
  ),
}
