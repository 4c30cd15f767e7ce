// deadline: 300 s
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { LagReport } from '../../../../consumers/lag/lag-report.ts'
import type { RunningCommand } from '../../../command-line/run-command.ts'
import { runSql, succeed, withShop } from '../../../command-line/shop.ts'
import { urlByWayOf, withTcpProxy } from '../../../tcp-proxy.ts'
import {
  labelsIn,
  parseScrape,
  readAlertRules,
  readDashboard,
  readMetricsTable,
  type Scrape,
  selectorsOf,
} from './monitoring-names.ts'
import { ask, openStream } from './with-lag-server.ts'

const TOKEN = 'a-token-of-the-test-0123456789'
const BEARER = { authorization: `Bearer ${TOKEN}` }
const LIMIT_MS = 60_000

/** The process of a command may be told to end before it is ended: its whole test may take minutes. */
const LONG = { limitMs: 280_000 }

/** Where `lag --serve --json` serves. */
async function urlOf(command: RunningCommand): Promise<string> {
  await command.waitForLines(1)
  return String((JSON.parse(command.stdout().split('\n')[0] ?? '') as Record<string, unknown>)['url'])
}

async function untilTold(url: string, isSo: (report: LagReport) => boolean): Promise<LagReport> {
  for (const sinceMs = Date.now(); ; await delay(200)) {
    const { body } = await ask(`${url}report.json`, BEARER)
    const { report } = JSON.parse(body) as { report: LagReport }
    if (isSo(report)) return report
    assert.ok(Date.now() - sinceMs < LIMIT_MS, `It was never so: ${body}`)
  }
}

async function scrape(url: string): Promise<Scrape> {
  const { body, headers, status } = await ask(`${url}metrics`, BEARER)
  assert.equal([status, headers['content-type']], [200, 'text/plain; version=0.0.4; charset=utf-8'])
  return parseScrape(body)
}

/** The value of the one sample of a metric that has these labels; undefined where there is none. */
function valueOf(
  { samples }: Scrape,
  metric: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  return samples.find(
    ({ labels: of, name }) => name === metric && Object.entries(labels).every(([label, value]) => of[label] === value),
  )?.value
}

const statusOf = ({ services }: LagReport): string | undefined => services[0]?.status

test('a split is told of from before its beginning, whatever of it is away', () =>
  withShop(async (shop) => {
    const { port: salesPort } = new URL(shop.sales)
    const natsUrl = String(shop.environment['NATS_URL'])
    await withTcpProxy(Number(salesPort), async (sales) => {
      await withTcpProxy(Number(new URL(natsUrl).port), async (broker) => {
        const serve = shop.start(
          ['lag', '--serve', '0', '--json'],
          {
            SALES_DATABASE_URL: urlByWayOf(shop.sales, sales),
            NATS_URL: urlByWayOf(natsUrl, broker),
            SCISSION_TOKEN: TOKEN,
          },
          LONG,
        )
        const url = await urlOf(serve)
        // No stream yet.
        const early = await untilTold(url, ({ problems }) => problems.length > 0)
        assert.match(early.problems[0]?.sentence ?? '', /run prepare first\.$/)
        assert.equal([statusOf(early), early.monolith?.slot], ['unknown', null])
        assert.equal(
          [(await ask(`${url}readyz`)).status, (await ask(`${url}readyz`)).body],
          [503, 'Not ready: nothing can be told of service sales.\n'],
        )
        // A consumer that was never started.
        await succeed(shop.run(['prepare', '--yes']))
        await untilTold(url, (report) => statusOf(report) === 'stop')
        assert.equal([(await ask(`${url}readyz`)).status, (await ask(`${url}readyz`)).body], [200, 'Ready.\n'])
        await succeed(shop.run(['publish', '--snapshot-only']))
        await succeed(shop.run(['consume', 'sales', '--until-caught-up']))
        const loaded = await scrape(url)
        assert.is(valueOf(loaded, 'scission_snapshot_rows_loaded', { service: 'sales' }), 2)
        assert.is(valueOf(loaded, 'scission_service_status', { service: 'sales', status: 'stop' }), 1)
        assert.is(valueOf(loaded, 'scission_broker_reachable'), 1)
        assert.is(valueOf(loaded, 'scission_slot_exists'), 1)
        await assertNames(loaded)
        // A wrong token.
        assert.is((await ask(`${url}report.json`, { authorization: 'Bearer wrong-wrong-wrong-wrong' })).status, 401)
        const stream = await openStream(url, BEARER)
        assert.is((await stream.event('look'))['title'], `shop (${shop.prefix})`)
        // One database is away.
        sales.refuse(true)
        sales.cut()
        const cut = await untilTold(url, (report) => statusOf(report) === 'unknown')
        assert.match(cut.problems[0]?.sentence ?? '', 'SALES_DATABASE_URL')
        assert.is.not(cut.monolith, null)
        assert.is(valueOf(await scrape(url), 'scission_service_reachable', { service: 'sales' }), 0)
        sales.refuse(false)
        await untilTold(url, (report) => statusOf(report) === 'stop')
        // The broker is away, and comes back.
        broker.refuse(true)
        broker.cut()
        await untilTold(url, ({ problems }) => problems.some(({ sentence }) => sentence.includes('NATS_URL')))
        const away = await scrape(url)
        assert.equal([valueOf(away, 'scission_broker_reachable'), valueOf(away, 'scission_monolith_reachable')], [0, 1])
        assert.match((await ask(`${url}readyz`)).body, 'NATS, nor of service sales')
        assert.is((await ask(`${url}livez`)).status, 200)
        broker.refuse(false)
        await untilTold(url, (report) => statusOf(report) === 'stop')
        serve.kill('SIGTERM')
        const { exitCode, stderr, stdout } = await serve.ended
        assert.is(exitCode, 143)
        assert.is(await stream.ended, 'ended')
        assert.not.match(`${stdout}${stderr}${JSON.stringify(stream.events)}`, TOKEN)
        const { password } = new URL(shop.sales)
        assert.not.match(`${stdout}${stderr}${JSON.stringify(stream.events)}`, `:${password}@`)
      })
    })
  }))

/** What docs, dashboard and alerts name is what a scrape has. */
async function assertNames({ samples, types }: Scrape): Promise<void> {
  const table = await readMetricsTable()
  assert.equal(table.map(({ name, type }) => `${name} ${type}`).sort(), [...types].map((pair) => pair.join(' ')).sort())
  const labels = new Map(table.map((row) => [row.name, row.labels]))
  for (const { name, labels: documented } of table)
    for (const sample of samples.filter((each) => each.name === name))
      assert.equal(Object.keys(sample.labels).sort(), documented.toSorted(), name)
  const { panels, templating } = await readDashboard()
  const targets = panels.flatMap((panel) => panel.targets ?? [])
  const rules = await readAlertRules()
  const expressions = [...targets.map(({ expr }) => expr), ...rules.map(({ expr }) => expr)]
  for (const expression of expressions)
    for (const { matchers, metric } of selectorsOf(expression)) {
      assert.ok(types.has(metric), `${metric} is in no scrape: ${expression}`)
      for (const { isExact, label, value } of matchers) {
        assert.ok(labels.get(metric)?.includes(label), `${metric} has no label ${label}: ${expression}`)
        const isThere = samples.some((sample) => sample.name === metric && sample.labels[label] === value)
        assert.ok(!isExact || isThere, `${metric} has no ${label} ${value}: ${expression}`)
      }
    }
  const texts = [
    ...expressions,
    ...targets.map(({ legendFormat = '' }) => legendFormat),
    ...rules.flatMap(({ annotations }) => Object.values(annotations)),
  ]
  // Prometheus adds the first two itself.
  const all = new Set(['instance', 'job', ...[...labels.values()].flat()])
  for (const text of texts)
    for (const label of labelsIn(text)) assert.ok(all.has(label), `no metric has ${label}: ${text}`)
  const variables = templating.list.map(({ name }) => name)
  for (const [, variable = ''] of JSON.stringify(panels).matchAll(/\$\{?(\w+)/g))
    assert.ok([...variables, '__rate_interval'].includes(variable), `no variable ${variable}`)
}

test('publish and consume are watched beside their work, with what is configured for them', () =>
  withShop(async (shop) => {
    await succeed(shop.run(['prepare', '--yes']))
    const publish = shop.start(['publish', '--serve', '127.0.0.1:0'], {
      NATS_SYNC_INTERVAL: 'always',
      SALES_DATABASE_URL: '',
    })
    await publish.waitFor('Lag is shown at http://127.0.0.1:')
    const url = /http:\S+/.exec(publish.stderr())?.[0] ?? ''
    const report = await untilTold(url, ({ monolith }) => monolith?.slot?.isFollowed === true)
    assert.equal(
      [statusOf(report), report.problems.map(({ sentence }) => sentence)],
      [
        'unknown',
        [
          "SALES_DATABASE_URL is not set: give the URL of service sales's database, as postgres://user:password@host:5432/database.",
        ],
      ],
    )
    // What nobody configured fires no alert, and keeps nothing from being ready.
    const published = await scrape(url)
    assert.equal(
      [
        valueOf(published, 'scission_service_reachable'),
        valueOf(published, 'scission_service_status'),
        valueOf(published, 'scission_monolith_reachable'),
      ],
      [undefined, undefined, 1],
    )
    assert.is((await ask(`${url}readyz`)).body, 'Ready.\n')
    // A port in use: nothing is done.
    const { port } = new URL(url)
    const refused = await shop.run(['consume', 'sales', '--serve', port])
    assert.equal([refused.exitCode, refused.stdout], [4, ''])
    assert.match(refused.stderr, `at 127.0.0.1:${port}, where another program listens`)
    // Where others reach it, it asks for a token.
    await writeFile(join(shop.folder, 'token'), `${TOKEN}\n`)
    const open = ['--serve', '0.0.0.0:0', '--token-file', 'token']
    const consume = shop.start(['consume', 'sales', ...open], { MONOLITH_DATABASE_URL: '' })
    await consume.waitFor('is complete')
    const own = /http:\S+/.exec(consume.stderr())?.[0] ?? ''
    const told = await untilTold(own, (seen) => statusOf(seen) === 'ok')
    assert.equal([told.monolith, told.problems.length], [null, 1])
    assert.match(told.problems[0]?.sentence ?? '', /^MONOLITH_DATABASE_URL is not set/)
    const consumed = await scrape(own)
    assert.equal(
      [valueOf(consumed, 'scission_service_reachable'), valueOf(consumed, 'scission_monolith_reachable')],
      [1, undefined],
    )
    assert.is((await ask(`${own}readyz`)).body, 'Ready.\n')
    await runSql(shop.monolith, [`UPDATE "Order" SET note = 'live' WHERE id = '1'`])
    assert.is((await ask(`${own}report.json`)).status, 401)
    const stream = await openStream(own, BEARER)
    await stream.event('look', 2)
    for (const running of [publish, consume]) running.kill('SIGINT')
    assert.equal([(await publish.ended).exitCode, (await consume.ended).exitCode], [130, 130])
    assert.is(await stream.ended, 'ended')
  }))

test.run()
