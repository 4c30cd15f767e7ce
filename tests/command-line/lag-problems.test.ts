// deadline: 120 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { freePorts } from '../../infra/embedded/free-port.ts'
import { type Shop, succeed, withShop } from './shop.ts'

interface Told {
  readonly monolith: { readonly slot: unknown } | null
  readonly services: readonly { readonly service: string; readonly status: string }[]
  readonly problems: readonly { readonly sentence: string; readonly exitCode: number }[]
}

async function ask(
  shop: Shop,
  environment: Record<string, string> = {},
): Promise<{ exitCode: number | null; stderr: string; told: Told }> {
  const { exitCode, stderr, stdout } = await shop.run(['lag', '--json'], environment)
  return { exitCode, stderr, told: JSON.parse(stdout) as Told }
}

async function deadUrl(url: string): Promise<string> {
  const [port] = await freePorts(1)
  return Object.assign(new URL(url), { port: String(port) }).href
}

test('what cannot be reached is named, and hides nothing of the others', () =>
  withShop(async (shop) => {
    const before = await ask(shop)
    assert.is(before.exitCode, 4)
    assert.match(before.stderr, /^scission: The database of service sales is not prepared: run prepare first\.$/m)
    assert.equal(before.told.services, [{ service: 'sales', status: 'unknown' }])
    assert.is(before.told.monolith?.slot, null)

    await succeed(shop.run(['prepare', '--yes']))
    const waiting = await ask(shop)
    assert.equal([waiting.exitCode, waiting.told.problems, waiting.told.services[0]?.status], [0, [], 'stop'])
    const { stdout } = await succeed(shop.run(['lag']))
    assert.match(stdout, /^sales +stop +stopped .*\n\nThe monolith is at .* has no slot: nobody follows/m)

    const database = await ask(shop, { SALES_DATABASE_URL: await deadUrl(shop.sales) })
    assert.is(database.exitCode, 4)
    assert.match(database.stderr, /^scission: .*SALES_DATABASE_URL.*refuses connections/m)
    assert.equal(database.told.services, [{ service: 'sales', status: 'unknown' }])
    assert.ok(database.told.monolith !== null)

    const broker = await ask(shop, { NATS_URL: await deadUrl(shop.environment['NATS_URL'] ?? '') })
    assert.is(broker.exitCode, 4)
    assert.match(broker.stderr, /^scission: NATS at .* does not answer: check the host/m)
    assert.ok(broker.told.monolith !== null)

    const monolith = await ask(shop, { MONOLITH_DATABASE_URL: await deadUrl(shop.monolith) })
    assert.is(monolith.exitCode, 4)
    assert.match(monolith.stderr, /^scission: .*MONOLITH_DATABASE_URL.*refuses connections/m)
    assert.equal([monolith.told.monolith, monolith.told.services[0]?.status], [null, 'stop'])
    // Nothing of it is told twice.
    assert.is(monolith.stderr.match(/MONOLITH_DATABASE_URL/g)?.length, 1)
  }))

test('whoever follows gets a line a second, says what is in the way once, and is interrupted', () =>
  withShop(async (shop) => {
    await succeed(shop.run(['prepare', '--yes']))
    const url = await deadUrl(shop.sales)
    const [text, json] = [
      shop.start(['lag', '--follow'], { SALES_DATABASE_URL: url }),
      shop.start(['lag', '--follow', '--json']),
    ]
    await Promise.all([text, json].map(async (each) => await each.waitForLines(3)))
    for (const each of [text, json]) each.kill('SIGINT')
    const [told, objects] = await Promise.all([text.ended, json.ended])
    assert.equal([told.exitCode, objects.exitCode], [130, 130])
    for (const line of told.stdout.trim().split('\n'))
      assert.match(line, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}sales unknown {2}0 messages behind {2}0\/s$/)
    assert.is(told.stderr.match(/SALES_DATABASE_URL/g)?.length, 1)
    const reports = objects.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Told)
    // The last one says that it was interrupted.
    assert.ok(reports.length > 3)
    assert.ok(reports.slice(0, -1).every(({ services }) => services[0]?.status === 'stop'))
  }))

test.run()
