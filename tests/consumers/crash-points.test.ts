// deadline: 300 s
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { typeScriptFlags } from '../runner/typescript-loader.ts'
import { withDatabase } from '../with-servers.ts'
import { createShopMonolith, publishShop } from './published-shop.ts'
import { sales } from './shop.ts'
import { runSql, type TestService, withSales } from './with-service.ts'

const PROGRAM = fileURLToPath(new URL('consume-until-killed.ts', import.meta.url))
const CUSTOMERS = 2_000
/** Some pages are stored by then, and others are under way. */
const TRANSACTION_BYTES = 256 * 1024

/** What `scission.checkpoint` says where the consumer died: the phase that was stored last. */
const POINTS: readonly (readonly [point: string, phase: string])[] = [
  ['consume-epoch-entered', 'loading'],
  ['consume-attempt-entered:2', 'loading'],
  ['consume-page-copied', 'loading'],
  ['consume-page-copied:40', 'loading'],
  ['consume-ledger-entered:2', 'loading'],
  ['consume-pages-stored:2', 'loading'],
  ['consume-manifest-stored', 'indexing'],
  ['consume-object-built', 'indexing'],
  ['consume-object-built:4', 'indexing'],
  ['consume-objects-built', 'indexing'],
  ['consume-following', 'following'],
]

/** Consumes in a process of its own that kills itself at a point, and proves that it did. */
async function crashAt({ prefix, database, nats }: TestService, point: string): Promise<void> {
  const given = [prefix, database.url, nats.url, String(TRANSACTION_BYTES), '2']
  const child = spawn(process.execPath, [...typeScriptFlags(), PROGRAM, ...given], {
    env: { ...process.env, SCISSION_CRASH_POINT: point },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const said = text(child.stderr)
  await once(child, 'exit')
  const [name, passing = '1'] = point.split(':')
  assert.match(await said, `Crash point ${name}, passing ${passing}\n`)
  assert.is(child.signalCode, 'SIGKILL')
}

/** Count and content of each table, by plain SQL. */
async function sumsOf(url: string): Promise<(readonly [string, string | undefined])[]> {
  return await Promise.all(
    sales.entities.map(async ({ name, table, columns }) => {
      const row = `md5(ROW(${columns.map((column) => `"${column.name}"`).join(', ')})::text)`
      const [sum] = await runSql(url, [`SELECT count(*), md5(string_agg(${row}, '' ORDER BY ${row})) FROM "${table}"`])
      return [name, sum] as const
    }),
  )
}

for (const [point, phase] of POINTS)
  test(`a consumer that dies at ${point} is followed by one that loses and doubles nothing`, () =>
    withDatabase(async (monolith) => {
      await createShopMonolith(monolith, CUSTOMERS)
      await withSales(async (service) => {
        await publishShop(service, monolith)
        await crashAt(service, point)
        assert.equal(await service.sql('SELECT phase FROM scission.checkpoint'), [phase])
        await service.consume()
        assert.equal(await sumsOf(service.database.url), await sumsOf(monolith))
      })
    }))

test.run()
