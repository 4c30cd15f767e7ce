import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { ContractSet, Entity } from '../../contracts/language/contract-set.ts'
import { splitPassword } from '../bench/servers.ts'

/** What psql says of one table. */
interface TableState {
  readonly rows: number
  /** Of all rows' texts in one order: a row that is lost, doubled or changed makes another. */
  readonly md5: string
}

export interface Comparison {
  readonly rows: number
  readonly lost: number
  readonly doubled: number
  /** Tables whose rows are not the same, by name. */
  readonly differing: readonly string[]
}

/** Compares every table of a split by psql alone: nothing of what made the split says whether it is right. */
export async function compareByPsql(
  set: ContractSet,
  monolith: string,
  urlOf: (service: string) => string,
): Promise<Comparison> {
  let [rows, lost, doubled] = [0, 0, 0]
  const differing: string[] = []
  for (const service of set.services)
    for (const entity of service.entities) {
      const [expected, found] = [await stateOf(monolith, entity), await stateOf(urlOf(service.name), entity)]
      rows += found.rows
      lost += Math.max(0, expected.rows - found.rows)
      doubled += Math.max(0, found.rows - expected.rows)
      if (expected.rows !== found.rows || expected.md5 !== found.md5) differing.push(`${service.name}.${entity.name}`)
    }
  return { rows, lost, doubled, differing }
}

async function stateOf(url: string, { schema, table, columns }: Entity): Promise<TableState> {
  const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
  const row = `md5(ROW(${columns.map(({ name }) => quoted(name)).join(', ')})::text)`
  const text = await psql(
    url,
    `SELECT count(*), coalesce(md5(string_agg(${row}, '' ORDER BY ${row})), '') FROM ${quoted(schema)}.${quoted(table)}`,
  )
  const [rows = '', md5 = ''] = text.trim().split('|')
  if (!/^\d+$/.test(rows)) throw new Error(`psql said ${text} of ${table}`)
  return { rows: Number(rows), md5 }
}

export async function psql(url: string, sql: string): Promise<string> {
  const { password, href } = splitPassword(url)
  const env = { PATH: process.env['PATH'], PGPASSWORD: password, PGTZ: 'UTC' }
  const { stdout } = await promisify(execFile)('psql', ['-qAtX', '-v', 'ON_ERROR_STOP=1', '-c', sql, href], { env })
  return stdout
}
