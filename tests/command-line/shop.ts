import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { languageModule } from '../runner/typescript-loader.ts'
import { withDatabases, withPrefix } from '../with-servers.ts'
import {
  type CommandOptions,
  type CommandResult,
  runCommand,
  type RunningCommand,
  startCommand,
} from './run-command.ts'

/** The smallest monolith: one service with one table, so that a scenario takes no longer than its commands. */
export const SHOP_CONTRACTS = `
import { contractSet } from '${languageModule('contract-set')}'
import { entity, service } from '${languageModule('entity')}'
import { enumeration, text } from '${languageModule('types')}'
const state = enumeration('OrderState', ['OPEN', 'SHIPPED'])
const Order = entity({ id: text(), state: state(), city: text().nullable(), note: text().nullable() }, { key: ['id'] })
export default contractSet('shop', { services: { sales: service({ Order }) } })
`

const MONOLITH = [
  `CREATE TYPE "OrderState" AS ENUM ('OPEN', 'SHIPPED')`,
  `CREATE TABLE "Order" (id text PRIMARY KEY, state "OrderState" NOT NULL, city text, note text)`,
  `INSERT INTO "Order" VALUES ('1', 'OPEN', 'Fez', ''), ('2', 'SHIPPED', NULL, NULL)`,
]

export interface Shop {
  readonly folder: string
  readonly prefix: string
  readonly monolith: string
  readonly sales: string
  readonly environment: Readonly<Record<string, string>>
  run(args: readonly string[], environment?: Readonly<Record<string, string>>): Promise<CommandResult>
  start(
    args: readonly string[],
    environment?: Readonly<Record<string, string>>,
    options?: Pick<CommandOptions, 'limitMs'>,
  ): RunningCommand
}

/** A shop of one's own: two databases, a prefix, a module of contracts, and the environment that names them. */
export async function withShop<Result>(use: (shop: Shop) => Promise<Result>): Promise<Result> {
  return await withFolder(async (folder) => {
    const contracts = join(folder, 'contracts.mjs')
    await writeFile(contracts, SHOP_CONTRACTS)
    return await withPrefix(async (prefix, nats) => {
      return await withDatabases(['monolith', 'sales'], async ({ monolith, sales }) => {
        await runSql(monolith, MONOLITH)
        const environment = {
          MONOLITH_DATABASE_URL: monolith,
          SALES_DATABASE_URL: sales,
          NATS_URL: nats.url,
          SCISSION_PREFIX: prefix,
          SCISSION_CONTRACTS: contracts,
        }
        return await use({
          folder,
          prefix,
          monolith,
          sales,
          environment,
          run: async (args, other = {}) =>
            await runCommand(args, { environment: { ...environment, ...other }, folder }),
          start: (args, more = {}, options = {}) =>
            startCommand(args, { environment: { ...environment, ...more }, folder, ...options }),
        })
      })
    })
  })
}

export async function withFolder<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'scission-shop-'))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export async function runSql(url: string, statements: readonly string[]): Promise<void> {
  await withClient(url, async (client) => {
    for (const statement of statements) await client.query(statement)
  })
}

export async function withClient<Result>(url: string, use: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** @throws Error where a command that must succeed does not. */
export async function succeed(result: Promise<CommandResult>): Promise<CommandResult> {
  const { exitCode, stderr, stdout } = await result
  if (exitCode !== 0) throw new Error(`A command ended with ${exitCode}: ${stderr}`)
  return { exitCode, stderr, stdout }
}
