// deadline: 180 s
import { PassThrough } from 'node:stream'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openJsonLogIfWanted } from '../../infra/command-line/open-log.ts'
import type { World } from '../../infra/command-line/terminal.ts'
import { untilTrue } from '../publisher/with-bank.ts'
import { type TcpProxy, urlByWayOf, withTcpProxy } from '../tcp-proxy.ts'
import { readLogsPage } from './logs-page.ts'
import { type CommandResult, runCommand } from './run-command.ts'
import { runSql, type Shop, succeed, withClient, withFolder, withShop } from './shop.ts'

const AUTO = { SCISSION_LOG: 'auto', NATS_SYNC_INTERVAL: 'always' }

interface Line {
  readonly level: string
  readonly verb: string
  readonly event: string
  readonly msg: string
  readonly [field: string]: unknown
}

const documented = await readLogsPage()

/** All that was told, each line looked at by itself. @throws where one is no JSON. */
function linesOf({ stderr }: CommandResult, verb: string): Line[] {
  const texts = stderr.split('\n')
  assert.is(texts.pop(), '', 'the last line is whole')
  return texts.map((text) => {
    const { level, time, verb: said, event, msg, ...fields } = JSON.parse(text) as Line & { readonly time: string }
    assert.match(level, /^(info|warn|error)$/, text)
    assert.is(new Date(time).toISOString(), time)
    assert.is(said, verb)
    assert.match(msg, /\S/, text)
    const known = documented.filter((each) => each.event === event && ['every command', verb].includes(each.of))
    assert.is(known.length, 1, `${event} is not in docs/logs.md`)
    for (const field of Object.keys(fields)) assert.ok(known[0]?.fields.includes(field), `${field} of ${event}`)
    return { level, verb: said, event, msg, ...fields }
  })
}

function withoutPasswords(result: CommandResult, urls: readonly string[]): void {
  for (const { password } of urls.map((url) => new URL(url)))
    assert.not.ok(`${result.stderr}${result.stdout}`.includes(password), result.stderr)
}

function eventsOf(lines: readonly Line[], event: string): Line[] {
  return lines.filter((line) => line.event === event)
}

const sumOf = (lines: readonly Line[], field: string): number =>
  lines.reduce((sum, line) => sum + Number(line[field]), 0)

async function untilInSales({ sales }: Shop, condition: string): Promise<void> {
  await withClient(sales, async (client) => await untilTrue(client, condition, 60_000))
}

test('publish and consume tell each event in a line of JSON, an outage and its end, and how they ended, whether or not somebody reads', () =>
  withShop(async (shop) =>
    withTcpProxy(Number(new URL(shop.sales).port), async (proxy) => {
      const prepared = await succeed(shop.run(['prepare', '--yes'], { SCISSION_LOG: 'json' }))
      assert.ok(
        eventsOf(linesOf(prepared, 'prepare'), 'note').length > 0,
        'a verb that ends at once, where it is asked',
      )
      const publish = shop.start(['publish'], AUTO)
      const consume = shop.start(['consume', 'sales'], { ...AUTO, SALES_DATABASE_URL: urlByWayOf(shop.sales, proxy) })
      await Promise.all([publish.waitFor('"event":"following-begun"'), consume.waitFor('"phase":"following"')])
      await runSql(shop.monolith, [`INSERT INTO "Order" VALUES ('3', 'OPEN', 'Fez', '')`])
      await untilInSales(shop, `EXISTS (SELECT FROM "Order" WHERE id = '3')`)
      proxy.refuse(true)
      proxy.cut()
      await consume.waitFor('is away')
      proxy.refuse(false)
      await consume.waitFor('is back')
      for (const running of [publish, consume]) running.kill('SIGTERM')
      const [published, consumed] = await Promise.all([publish.ended, consume.ended])
      for (const result of [published, consumed])
        withoutPasswords(result, [shop.monolith, shop.sales, shop.environment['NATS_URL'] ?? ''])
      assertPublished(linesOf(published, 'publish'))
      assertConsumed(linesOf(consumed, 'consume'))
      for (const { exitCode, stderr } of [published, consumed]) {
        assert.is(exitCode, 143)
        assert.match(stderr, /"event":"interrupted".*\n.*"event":"ended","exitCode":143,[^\n]*\n$/s)
        assert.is(stderr.includes('"level":"error"'), false)
      }
      await assertReaderMayGo(shop)
      await assertEndsAtOnce(shop, proxy)
    }),
  ))

/** As with `2>&1 | head -1`. */
async function assertReaderMayGo(shop: Shop): Promise<void> {
  const consume = shop.start(['consume', 'sales', '--until-caught-up'], AUTO)
  await consume.waitFor('\n')
  consume.closeOutput('stderr')
  const { exitCode, stderr, stdout } = await consume.ended
  assert.is(exitCode, 0, stdout)
  assert.match(stderr, /"event":"begun"/)
  assert.match(stdout, 'sales')
}

/** A second Ctrl-C ends a command that still waits for a server, and its log says so. */
async function assertEndsAtOnce(shop: Shop, proxy: TcpProxy): Promise<void> {
  proxy.hold(true)
  const lag = shop.start(['lag'], { SCISSION_LOG: 'json', SALES_DATABASE_URL: urlByWayOf(shop.sales, proxy) })
  await lag.waitFor('"event":"begun"')
  lag.kill('SIGINT')
  await lag.waitFor('"event":"interrupted"')
  // What follows at once would be taken for the same key.
  await delay(500)
  lag.kill('SIGINT')
  const { exitCode, stderr } = await lag.ended
  assert.is(exitCode, 130)
  assert.match(stderr, /"event":"ended","exitCode":130,[^\n]*\n$/)
}

function assertPublished(lines: readonly Line[]): void {
  assert.is(lines[0]?.event, 'begun')
  assert.is(sumOf(eventsOf(lines, 'page-stored'), 'rows'), 2)
  assert.is(sumOf(eventsOf(lines, 'changes-stored'), 'changes'), 1)
  const [closed] = eventsOf(lines, 'manifest-closed')
  assert.equal([closed?.['service'], closed?.['rows']], ['sales', 2])
}

function assertConsumed(lines: readonly Line[]): void {
  // It may have waited before, and follows once more after the outage.
  const phases = new Set(eventsOf(lines, 'phase-entered').map(({ phase }) => phase))
  phases.delete('waiting')
  assert.equal([...phases], ['loading', 'indexing', 'following'])
  assert.is(sumOf(eventsOf(lines, 'pages-loaded'), 'rows'), 2)
  assert.is(sumOf(eventsOf(lines, 'changes-applied'), 'changes'), 1)
  const notices = eventsOf(lines, 'notice').filter(({ msg }) => / is (away|back)/.test(msg))
  assert.equal(
    notices.map(({ level, msg, service }) => [level, / is (away|back)/.exec(msg)?.[1], service]),
    [
      ['warn', 'away', 'sales'],
      ['info', 'back', 'sales'],
    ],
  )
}

function withPassword(url: string, password: string): string {
  const changed = new URL(url)
  changed.password = password
  return changed.href
}

test('a failure is one line, the last, with the exit code, and never a password, whichever server lets us not in', () =>
  withShop(async (shop) => {
    const nats = shop.environment['NATS_URL'] ?? ''
    for (const [args, name, url] of [
      [['publish'], 'MONOLITH_DATABASE_URL', shop.monolith],
      [['consume', 'sales'], 'SALES_DATABASE_URL', shop.sales],
      [['publish'], 'NATS_URL', nats],
    ] as const) {
      const result = await shop.run(args, { ...AUTO, [name]: withPassword(url, 'hidden-and-wrong') })
      const lines = linesOf(result, args[0])
      const errors = lines.filter(({ level }) => level === 'error')
      assert.is(errors.length, 1, result.stderr)
      assert.is(lines.at(-1), errors[0])
      assert.equal([errors[0]?.event, errors[0]?.['exitCode']], ['failed', result.exitCode])
      assert.is(result.exitCode, 4, result.stderr)
      assert.match(errors[0]?.msg ?? '', name)
      withoutPasswords(result, [shop.monolith, shop.sales, nats, 'x://a:hidden-and-wrong@b'])
    }
  }))

test('lag --follow has its problems in JSON too, and its data where it was', () =>
  withShop(async (shop) => {
    const away = { ...AUTO, NATS_URL: 'nats://user:hidden-away@127.0.0.1:1' }
    const lag = shop.start(['lag', '--follow'], away)
    await Promise.all([lag.waitFor('"event":"problem"'), lag.waitForLines(1)])
    lag.kill('SIGTERM')
    const result = await lag.ended
    const [problem] = eventsOf(linesOf(result, 'lag'), 'problem')
    assert.equal([problem?.level, problem?.['exitCode']], ['warn', 4])
    assert.is(result.exitCode, 143)
    withoutPasswords(result, [away.NATS_URL])
  }))

test('a mistake in the command line is one line too', async () => {
  const result = await runCommand(['consume', '--al'], { environment: AUTO })
  const [line, ...others] = linesOf(result, 'consume')
  assert.equal([line?.level, line?.event, line?.['exitCode'], others.length], ['error', 'failed', 2, 0])
})

function worldOf(folder: string, environment: World['environment'], isTTY: boolean): World {
  const stderr = Object.assign(new PassThrough(), { isTTY })
  // The streams of a process have more than what is used of them.
  return { arguments: ['consume'], environment, folder, stderr, defaultContracts: '' } as unknown as World
}

test('the form stands in the configuration file, and the environment wins; a terminal has sentences', () =>
  withFolder(async (folder) => {
    const isJson = async (environment: World['environment'], isTTY: boolean): Promise<boolean> =>
      (await openJsonLogIfWanted(worldOf(folder, environment, isTTY))) !== null
    assert.equal([await isJson({}, true), await isJson({}, false)], [false, true])
    await writeFile(join(folder, 'scission.config.json'), '{ "SCISSION_LOG": "text" }')
    assert.equal([await isJson({}, false), await isJson({ SCISSION_LOG: 'json' }, true)], [false, true])
  }))

test.run()
