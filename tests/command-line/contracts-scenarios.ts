import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withDatabase } from '../with-servers.ts'
import { type CommandResult, runCommand } from './run-command.ts'
import type { Scenario } from './scenarios-of-usage.ts'
import { runSql, succeed, withFolder } from './shop.ts'

const MONOLITH_DATABASE_URL = 'postgres://monolith:hidden-21@127.0.0.1:1/monolith'

/** `contracts draft` with arguments that are refused before the monolith is asked. */
function draftWith(...args: string[]): Scenario {
  return async () => await runCommand(['contracts', 'draft', ...args], { environment: { MONOLITH_DATABASE_URL } })
}

/** `contracts draft` of a database with one table, in a folder that was made ready. */
function draftOf(statements: readonly string[], use: (draft: Draft) => Promise<CommandResult>): Scenario {
  return async () =>
    await withFolder(async (folder) => {
      return await withDatabase(async (url) => {
        await runSql(url, statements)
        const environment = { MONOLITH_DATABASE_URL: url }
        return await use({
          folder,
          run: async (...args) =>
            await runCommand(['contracts', 'draft', '--out', 'drafted', ...args], { environment, folder }),
        })
      })
    })
}

interface Draft {
  readonly folder: string
  run(...args: string[]): Promise<CommandResult>
}

const ONE_TABLE = ['CREATE TABLE customers (id integer PRIMARY KEY)']

/** What `contracts draft` and `contracts export` refuse. */
export const CONTRACTS_SCENARIOS: Readonly<Record<string, Scenario>> = {
  'contracts-nothing': async () => await runCommand(['contracts']),
  'contracts-unknown': async () => await runCommand(['contracts', 'drft']),
  'draft-without-out': draftWith(),
  'draft-with-url': draftWith('postgres://monolith:hidden-22@host/monolith', '--out', 'x'),
  'draft-bad-services': draftWith('--out', 'x', '--services', 'sales'),
  'draft-bad-service-name': draftWith('--out', 'x', '--services', 'Sales=orders'),
  'draft-unknown-table': draftOf(ONE_TABLE, async (draft) => await draft.run('--services', 'sales=customer,orders')),
  'draft-no-table': draftOf(['CREATE TABLE log (line text)'], async (draft) => await draft.run()),
  'draft-exists': draftOf(ONE_TABLE, async (draft) => {
    await succeed(draft.run())
    return await draft.run()
  }),
  'draft-no-place': draftOf(ONE_TABLE, async (draft) => {
    await writeFile(join(draft.folder, 'drafted'), 'a file')
    return await draft.run()
  }),
  'export-no-place': async () =>
    await withFolder(async (folder) => {
      await writeFile(join(folder, 'exported'), 'a file')
      return await runCommand(['contracts', 'export', '--out', 'exported'], { folder })
    }),
}
