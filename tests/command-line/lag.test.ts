// deadline: 180 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Shop } from './shop.ts'
import { runSql, succeed, withShop } from './shop.ts'

async function jsonOf(shop: Shop, args: readonly string[], exitCode = 0): Promise<Record<string, unknown>> {
  const result = await shop.run([...args, '--json'])
  assert.is(result.exitCode, exitCode, result.stderr)
  return JSON.parse(result.stdout) as Record<string, unknown>
}

function onlyService({ services }: Record<string, unknown>): Record<string, unknown> {
  const [service, ...others] = services as Record<string, unknown>[]
  assert.is(others.length, 0)
  return service ?? {}
}

test('publish follows until it is interrupted, consume applies, status and lag say how far they are', () =>
  withShop(async (shop) => {
    await succeed(shop.run(['prepare', '--yes']))
    const publish = shop.start(['publish'], { NATS_SYNC_INTERVAL: 'always' })
    await publish.waitFor('Follows the monolith from')
    const consume = shop.start(['consume', 'sales'])
    await consume.waitFor('is complete')
    await runSql(shop.monolith, [
      `UPDATE "Order" SET note = 'live' WHERE id = '1'`,
      `DELETE FROM "Order" WHERE id = '2'`,
    ])
    const lag = await jsonOf(shop, ['lag', '--max-lag', '0s', '--wait', '30s'])
    assert.is(lag['met'], true)
    const service = onlyService(lag)
    assert.equal(
      [service['service'], service['status'], service['isConsumed'], service['phase'], service['messages']],
      ['sales', 'ok', true, 'following', 0],
    )
    const report = await jsonOf(shop, ['verify'])
    assert.equal([report['verified'], report['against']], [true, 'monolith'])
    const { monolith } = await jsonOf(shop, ['status'])
    const { slot } = monolith as { slot: Record<string, unknown> }
    assert.equal([slot['isFollowed'], slot['walStatus'], typeof slot['retainedBytes']], [true, 'reserved', 'number'])
    assert.match(
      (await succeed(shop.run(['status']))).stdout,
      /sales +ok +following .*\n\nThe monolith is at .*; a publisher follows it/s,
    )
    for (const running of [publish, consume]) running.kill('SIGINT')
    assert.equal([(await publish.ended).exitCode, (await consume.ended).exitCode], [130, 130])
    // With nobody consuming, what is written is lag; with nobody publishing it is not even in the log.
    await runSql(shop.monolith, [`INSERT INTO "Order" VALUES ('9', 'OPEN', 'Fez', '')`])
    const late = await shop.run(['lag', '--max-lag', '0s'])
    assert.equal([late.exitCode, late.stderr.includes('A service is behind')], [5, true])
    assert.is((await shop.run(['verify'])).exitCode, 5)
    await runSql(shop.monolith, [`SELECT pg_logical_emit_message(true, 'scission', '${shop.prefix} marker lunch')`])
    const followed = await jsonOf(shop, ['publish', '--until-marker', 'lunch'])
    assert.match(String(followed['followedTo']), /^[0-9A-F]+\/[0-9A-F]+$/)
    await succeed(shop.run(['consume', 'sales', '--until-caught-up']))
    assert.is((await jsonOf(shop, ['verify']))['verified'], true)
  }))

test('lag waits for a publisher that does not even have its slot yet', () =>
  withShop(async (shop) => {
    await succeed(shop.run(['prepare', '--yes']))
    const lag = shop.start(['lag', '--max-lag', '0s', '--wait', '40s', '--json'])
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    const running = [shop.start(['publish'], { NATS_SYNC_INTERVAL: 'always' }), shop.start(['consume', 'sales'])]
    const { exitCode, stdout } = await lag.ended
    assert.is(exitCode, 0, stdout)
    for (const each of running) each.kill('SIGINT')
    await Promise.all(running.map(async ({ ended }) => await ended))
  }))

test.run()
