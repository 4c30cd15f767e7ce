// deadline: 300 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { runSql, type Shop, succeed, withClient, withShop } from './shop.ts'

const MARK = (shop: Shop, name: string): string =>
  `SELECT pg_logical_emit_message(true, 'scission', '${shop.prefix} marker ${name}')`

/** A split that follows, with a transaction in its log that the service does not take: somebody wrote a row of its own. */
async function withPoison(use: (shop: Shop, position: string) => Promise<void>): Promise<void> {
  await withShop(async (shop) => {
    await succeed(shop.run(['prepare', '--yes']))
    await runSql(shop.monolith, [MARK(shop, 'first')])
    const publish = shop.start(['publish', '--until-marker', 'poison'], { NATS_SYNC_INTERVAL: 'always' })
    await publish.waitFor('Follows the monolith from')
    await succeed(shop.run(['consume', '--all', '--until-caught-up']))
    await runSql(shop.sales, [`INSERT INTO "Order" VALUES ('7', 'OPEN', 'a stranger', NULL)`])
    await runSql(shop.monolith, [
      `BEGIN; UPDATE "Order" SET note = 'with' WHERE id = '1'; INSERT INTO "Order" VALUES ('7', 'OPEN', 'Fez', NULL); COMMIT`,
      `UPDATE "Order" SET city = 'Rabat' WHERE id = '7'`,
      `UPDATE "Order" SET note = 'apart' WHERE id = '2'`,
      MARK(shop, 'poison'),
    ])
    assert.is((await publish.ended).exitCode, 0)
    const stopped = await shop.run(['consume', 'sales', '--until-caught-up'])
    assert.is(stopped.exitCode, 4)
    const [, position = ''] = /parked add sales ([0-9A-F]+\/[0-9A-F]+)\.\n$/.exec(stopped.stderr) ?? []
    assert.match(position, /./, stopped.stderr)
    await use(shop, position)
  })
}

/** Lines are broken where they come to the end of a terminal. */
const inOneLine = (text: string): string => text.replaceAll(/\s+/g, ' ')

async function ordersOf(url: string): Promise<string[]> {
  return await withClient(url, async (client) => {
    const { rows } = await client.query<{ text: string }>(`SELECT "Order"::text AS text FROM "Order" ORDER BY id`)
    return rows.map(({ text }) => text)
  })
}

test('a transaction is set aside, shown, retried and applied by the verbs that the sentences name', () =>
  withPoison(async (shop, position) => {
    const stopped = await succeed(shop.run(['parked', 'list']))
    assert.match(stopped.stdout, /sales +\S+ +stopped/)
    assert.match(inOneLine(stopped.stdout), `or set it aside: parked add sales ${position}.`)
    const lag = await shop.run(['lag'])
    assert.match(inOneLine(lag.stdout), `Service sales stopped at ${position}: the table does not take`)

    assert.match(inOneLine((await succeed(shop.run(['parked', 'add', 'sales']))).stdout), 'run consume sales.')
    const parking = await shop.run(['consume', 'sales', '--until-caught-up'], {
      SCISSION_CRASH_POINT: 'consume-position-advanced',
    })
    assert.match(parking.stderr, 'Crash point consume-position-advanced, passing 1\n')
    // Nothing of it is stored, so nothing is told.
    assert.not.match(parking.stderr, 'is parked')
    const parked = await succeed(shop.run(['consume', 'sales', '--until-caught-up']))
    assert.match(parked.stderr, /is parked; later changes of its rows wait with it/)
    assert.equal(await ordersOf(shop.sales), ['(1,OPEN,Fez,"")', '(2,SHIPPED,,apart)', '(7,OPEN,"a stranger",)'])

    const { stdout } = await succeed(shop.run(['parked', 'list', 'sales', '--json']))
    const { services } = JSON.parse(stdout) as { services: { transactions: Record<string, unknown>[] }[] }
    const [first, second, ...others] = services[0]?.transactions ?? []
    assert.equal([first?.['state'], first?.['changes'], second?.['state'], others], ['parked', 2, 'waiting', []])

    const shown = await succeed(shop.run(['parked', 'show', 'sales', position]))
    assert.match(shown.stdout, '- insert Order (id = "7", state = "OPEN", city = "Fez", note = NULL)')
    assert.is((await shop.run(['lag', '--max-lag', '1h'])).exitCode, 5)
    assert.match((await shop.run(['lag', '--max-lag', '1h'])).stderr, 'Service sales is behind by what is parked')
    assert.match(
      inOneLine((await succeed(shop.run(['status']))).stdout),
      'Service sales has 3 changes parked: see parked list.',
    )

    const refused = await shop.run(['parked', 'retry', 'sales'])
    assert.is(refused.exitCode, 4)
    assert.match(inOneLine(refused.stdout), 'refused, and nothing is applied: the table does not take')
    await runSql(shop.sales, [`DELETE FROM "Order" WHERE id = '7'`])
    assert.match((await succeed(shop.run(['parked', 'retry', 'sales', '--dry-run']))).stdout, 'Nothing was changed.')
    const killed = await shop.run(['parked', 'retry', 'sales'], { SCISSION_CRASH_POINT: 'parked-retried' })
    assert.match(killed.stderr, 'Crash point parked-retried, passing 1\n')
    assert.is((await ordersOf(shop.sales)).length, 2)
    const applied = await succeed(shop.run(['parked', 'retry', 'sales', '--json']))
    assert.match(
      applied.stdout,
      /^\{"service":"sales","dryRun":false,"groups":\[\{"positions":\[.*"refused":null\}\]\}\n$/,
    )
    assert.equal(await ordersOf(shop.sales), await ordersOf(shop.monolith))
    assert.is((await succeed(shop.run(['parked', 'list']))).stdout, 'Nothing is parked.\n')
    assert.is((await shop.run(['lag', '--max-lag', '1h'])).exitCode, 0)
  }))

test('what is discarded is missing, verify says of how many changes, and it is not discarded unasked', () =>
  withPoison(async (shop, position) => {
    await succeed(shop.run(['parked', 'add', 'sales', position]))
    await succeed(shop.run(['consume', 'sales', '--until-caught-up']))
    const consume = shop.start(['consume', 'sales'])
    const publish = shop.start(['publish'], { NATS_SYNC_INTERVAL: 'always' })
    await publish.waitFor('Follows the monolith from')
    const verified = await shop.run(['verify'])
    assert.is(verified.exitCode, 3)
    assert.match(
      inOneLine(verified.stdout),
      'Of service sales 3 changes are parked, and its rows may differ by just these',
    )

    const unasked = await shop.run(['parked', 'discard', 'sales', position])
    assert.is(unasked.exitCode, 4)
    assert.match(unasked.stderr, /would forget 2 changes \(Order\) of the transaction at .* no terminal to ask on/s)
    assert.match(
      (await succeed(shop.run(['parked', 'discard', 'sales', position, '--dry-run']))).stdout,
      'Would forget',
    )
    assert.match(
      (await succeed(shop.run(['parked', 'discard', 'sales', position, '--yes']))).stdout,
      'Forgot 2 changes',
    )
    // The stranger's row takes the update that waited; the rest of the transaction is gone, as was asked.
    await succeed(shop.run(['parked', 'retry', 'sales']))
    assert.equal(await ordersOf(shop.sales), ['(1,OPEN,Fez,"")', '(2,SHIPPED,,apart)', '(7,OPEN,Rabat,)'])
    for (const running of [publish, consume]) running.kill('SIGINT')
    assert.equal([(await publish.ended).exitCode, (await consume.ended).exitCode], [130, 130])
  }))

test.run()
