// deadline: 240 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { runSql, type Shop, succeed, withShop } from './shop.ts'

type Json = Record<string, unknown>

async function jsonOf(shop: Shop, args: readonly string[], exitCode = 0): Promise<Json> {
  const result = await shop.run([...args, '--json'])
  assert.is(result.exitCode, exitCode, result.stderr)
  assert.is(result.stdout.split('\n').length, 2, 'one line of JSON')
  const value: unknown = JSON.parse(result.stdout)
  assert.type(value, 'object')
  return value as Json
}

function stepsOf(value: Json): { outcome: string; action: string }[] {
  return value['steps'] as { outcome: string; action: string }[]
}

test('a monolith is split by the verbs, one after the other, and each says it in JSON', async () => {
  await withShop(async (shop) => {
    assert.equal(await jsonOf(shop, ['preflight', '--no-slot']), {
      ready: true,
      findings: [],
      estimate: { tableBytes: 0, logBytes: 0, serviceBytes: 8_192, seconds: 0, bytesPerSecond: 30_000_000 },
    })

    const plan = await jsonOf(shop, ['prepare', '--no-slot', '--dry-run'])
    assert.is(plan['dryRun'], true)
    assert.ok(stepsOf(plan).some(({ outcome }) => outcome === 'planned'))
    const prepared = await jsonOf(shop, ['prepare', '--no-slot', '--yes'])
    assert.equal(
      stepsOf(prepared).map(({ action, outcome }) => [action, outcome]),
      stepsOf(plan).map(({ action, outcome }) => [action, outcome === 'planned' ? 'done' : outcome]),
    )
    assert.ok(stepsOf(await jsonOf(shop, ['prepare', '--no-slot'])).every(({ outcome }) => outcome === 'present'))

    const published = await jsonOf(shop, ['publish', '--snapshot-only', '--no-slot'])
    assert.equal(Object.keys(published), [
      'outcome',
      'epoch',
      'consistencyPoint',
      'slot',
      'services',
      'followedTo',
      'seconds',
    ])
    assert.is(published['outcome'], 'closed')
    assert.is((await jsonOf(shop, ['publish', '--snapshot-only', '--no-slot']))['outcome'], 'already closed')

    const { services } = await jsonOf(shop, ['consume', '--all', '--until-caught-up'])
    assert.ok(Array.isArray(services))
    assert.equal([services[0].service, services[0].rows, services[0].loadedRows], ['sales', 2, 2])

    const verified = await jsonOf(shop, ['verify'])
    assert.is(verified['verified'], true)
    assert.ok(Array.isArray(verified['services']) && Array.isArray(verified['references']))

    const cancelled = await jsonOf(shop, ['cancel', '--with-log', '--with-services', '--yes'])
    assert.ok(stepsOf(cancelled).some(({ outcome }) => outcome === 'done'))
    assert.not.ok(stepsOf(cancelled).some(({ outcome }) => outcome === 'planned'))
  })
})

test('a difference is told by its key and column, with exit code 3, whoever reads it', async () => {
  await withShop(async (shop) => {
    await succeed(shop.run(['prepare', '--no-slot', '--yes']))
    await succeed(shop.run(['publish', '--snapshot-only', '--no-slot']))
    const { stdout } = await succeed(shop.run(['consume', 'sales', '--until-caught-up']))
    assert.match(stdout, '1 service caught up, with 2 rows')
    assert.match((await succeed(shop.run(['verify']))).stdout, /\nVerified: 1 table with 2 rows are equal /)
    await runSql(shop.sales, [`UPDATE "Order" SET note = NULL WHERE id = '1'`])
    const person = await shop.run(['verify', 'sales'])
    assert.is(person.exitCode, 3)
    assert.match(person.stdout, /sales +1 +2 .* DIFFERENT\n\nsales\.Order: 1 row differ/)
    assert.match(person.stdout, 'note is NULL, and "" in the log')
    assert.is((await jsonOf(shop, ['verify', '--limit', '1'], 3))['verified'], false)
  })
})

test('what preflight finds is told with its cure, with exit code 4', async () => {
  await withShop(async (shop) => {
    await runSql(shop.monolith, ['CREATE TABLE stray (id int)'])
    const person = await shop.run(['preflight', '--no-slot'])
    assert.is(person.exitCode, 4)
    assert.match(person.stdout, /^No estimate: .*\n\nerror {2}the monolith\n {2}Table public\.stray is in no contract/)
    assert.match(person.stdout, /\n1 error in the way: prepare would refuse\.\n$/)
    const { findings, ready } = await jsonOf(shop, ['preflight', '--no-slot'], 4)
    assert.is(ready, false)
    assert.ok(Array.isArray(findings))
    assert.equal(Object.keys(findings[0]), ['check', 'severity', 'subject', 'problem', 'cure'])
  })
})

test('an error is JSON too where JSON was asked for', async () => {
  await withShop(async (shop) => {
    const { exitCode, stderr, stdout } = await shop.run(['consume', 'sales', '--json'])
    const message = 'The database of service sales is not prepared: run prepare first.'
    assert.is(exitCode, 4)
    assert.equal(JSON.parse(stdout), { error: { exitCode: 4, message } })
    assert.is(stderr, `scission: ${message}\n`)
  })
})

test('a consumer that follows ends cleanly when it is asked to', async () => {
  await withShop(async (shop) => {
    await succeed(shop.run(['prepare', '--no-slot', '--yes']))
    await succeed(shop.run(['publish', '--snapshot-only', '--no-slot']))
    for (const [signal, code] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
    ] as const) {
      const consumer = shop.start(['consume', 'sales'])
      await consumer.waitFor('sales: is complete')
      consumer.kill(signal)
      const { exitCode, stderr } = await consumer.ended
      assert.is(exitCode, code)
      assert.match(stderr, /\nInterrupted: waiting for .*\n$/)
    }
  })
})

test('a reader that goes away changes nothing', async () => {
  await withShop(async (shop) => {
    const command = shop.start(['preflight', '--no-slot'])
    command.closeOutput()
    const { exitCode, stderr } = await command.ended
    assert.is(exitCode, 0)
    assert.is(stderr, '')
  })
})

test.run()
