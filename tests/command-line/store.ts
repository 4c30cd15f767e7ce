import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { languageModule } from '../runner/typescript-loader.ts'
import { withDatabases, withPrefix } from '../with-servers.ts'
import { type CommandResult, runCommand, type RunningCommand, startCommand } from './run-command.ts'
import { runSql, succeed, withFolder } from './shop.ts'

/** Two services, of which one has two tables, one referring to the other. */
const STORE_CONTRACTS = `
import { contractSet } from '${languageModule('contract-set')}'
import { entity, service } from '${languageModule('entity')}'
import { integer, text } from '${languageModule('types')}'
const Order = entity({ id: integer(), city: text() }, { key: ['id'] })
const Line = entity({ id: integer(), of: integer() }, { key: ['id'], references: [{ on: ['of'], to: 'Order', onDelete: 'CASCADE' }] })
const Item = entity({ id: integer(), name: text() }, { key: ['id'] })
export default contractSet('store', { services: { sales: service({ Order, Line }), stock: service({ Item }) } })
`

const MONOLITH = [
  'CREATE TABLE "Order" (id integer PRIMARY KEY, city text NOT NULL)',
  'CREATE TABLE "Line" (id integer PRIMARY KEY, "of" integer NOT NULL REFERENCES "Order" ON DELETE CASCADE)',
  'CREATE TABLE "Item" (id integer PRIMARY KEY, name text NOT NULL)',
  `INSERT INTO "Order" SELECT n, 'city ' || n FROM generate_series(1, 20) AS n`,
  'INSERT INTO "Line" SELECT n, n FROM generate_series(1, 20) AS n',
  `INSERT INTO "Item" VALUES (1, 'pen')`,
]

type Environment = Readonly<Record<string, string>>

/** A split of one's own whose services are consumed, or may be. */
export interface Store {
  readonly prefix: string
  readonly monolith: string
  readonly sales: string
  readonly stock: string
  /** A database that nothing was prepared in. */
  readonly spare: string
  readonly environment: Environment
  run(args: readonly string[], environment?: Environment): Promise<CommandResult>
  start(args: readonly string[], environment?: Environment): RunningCommand
  /** Writes to the monolith, and brings that into the log, which ends with a marker of this name. */
  publish(marker: string, ...statements: readonly string[]): Promise<void>
}

export async function withStore<Result>(use: (store: Store) => Promise<Result>): Promise<Result> {
  return await withFolder(async (folder) => {
    const contracts = join(folder, 'contracts.mjs')
    await writeFile(contracts, STORE_CONTRACTS)
    return await withPrefix(async (prefix, nats) =>
      withDatabases(['monolith', 'sales', 'stock', 'spare'], async (urls) => {
        await runSql(urls.monolith, MONOLITH)
        const environment = {
          MONOLITH_DATABASE_URL: urls.monolith,
          SALES_DATABASE_URL: urls.sales,
          STOCK_DATABASE_URL: urls.stock,
          NATS_URL: nats.url,
          SCISSION_PREFIX: prefix,
          SCISSION_CONTRACTS: contracts,
        }
        const start: Store['start'] = (args, other = {}) =>
          startCommand(args, { environment: { ...environment, ...other }, folder })
        const run: Store['run'] = async (args, other = {}) =>
          await runCommand(args, { environment: { ...environment, ...other }, folder })
        const publish: Store['publish'] = async (marker, ...statements) => {
          const publishing = start(['publish', '--until-marker', marker], { NATS_SYNC_INTERVAL: 'always' })
          await publishing.waitFor('Follows the monolith from')
          await runSql(urls.monolith, [
            ...statements,
            `SELECT pg_logical_emit_message(true, 'scission', '${prefix} marker ${marker}')`,
          ])
          await succeed(publishing.ended)
        }
        return await use({ prefix, ...urls, environment, run, start, publish })
      }),
    )
  })
}

/** One that was loaded, and has followed changes. */
export async function withConsumedStore<Result>(use: (store: Store) => Promise<Result>): Promise<Result> {
  return await withStore(async (store) => {
    await succeed(store.run(['prepare', '--yes']))
    await store.publish('lunch', `UPDATE "Order" SET city = 'Fez' WHERE id < 5`)
    await succeed(store.run(['consume', '--all', '--until-caught-up']))
    return await use(store)
  })
}

/** As an operator gives it: a command line is read by whoever lists processes. */
export function withoutPassword(given: string): { readonly url: string; readonly PGPASSWORD: string } {
  const url = new URL(given)
  const PGPASSWORD = decodeURIComponent(url.password)
  url.password = ''
  return { url: url.href, PGPASSWORD }
}
