// deadline: 240 s
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { typeScriptFlags } from '../runner/typescript-loader.ts'
import { urlByWayOf, withTcpProxy } from '../tcp-proxy.ts'
import { type Shop, succeed, withShop } from './shop.ts'
import { type TerminalCommand, withProgram, withTerminal } from './terminal-command.ts'

const CRASHING = fileURLToPath(new URL('crashing-view.ts', import.meta.url))
const ENDING = fileURLToPath(new URL('ending-view.ts', import.meta.url))
const WATCH = ['lag', '--watch']
const ESCAPE = '\u001B'
const CTRL_C = '\u0003'
const CTRL_Z = '\u001A'
const ENTERS_SCREEN = '\u001B[?1049h'
const LEAVES_SCREEN = '\u001B[?1049l'
const STOPPED = /^> sales +stopped +stop /m

async function withPreparedShop(use: (shop: Shop) => Promise<void>): Promise<void> {
  await withShop(async (shop) => {
    await succeed(shop.run(['prepare', '--yes']))
    await use(shop)
  })
}

/** What a person had on the screen is there again, and the terminal works as it did. */
function assertGivenBack(terminal: TerminalCommand): void {
  assert.is(terminal.isAlternate(), false)
  assert.is(terminal.isCursorShown(), true)
  assert.match(terminal.screen()[0] ?? '', /^what was there before$/)
  const written = terminal.written()
  assert.ok(written.lastIndexOf('\u001B[?7h') >= written.lastIndexOf('\u001B[?7l'))
}

test('the view is drawn in place at every size, helps, goes on without a broker, and gives the screen back', () =>
  withPreparedShop(async (shop) => {
    const url = new URL(shop.environment['NATS_URL'] ?? '')
    await withTcpProxy(Number(url.port), async (proxy) => {
      const environment = { NATS_URL: urlByWayOf(url.href, proxy) }
      await withTerminal(shop, WATCH, { environment }, async (terminal) => {
        await terminal.until(STOPPED)
        assert.equal([terminal.isAlternate(), terminal.isCursorShown(), terminal.isColoured()], [true, false, true])
        const [title = '', monolith = ''] = terminal.screen()
        assert.match(title, /^Scission {2}shop \(t[0-9a-f]+\) {2}\d\d:\d\d:\d\d UTC {2}sales stop, no slot /)
        assert.match(monolith, /^monolith [0-9A-F]+\/[0-9A-F]+ {2}no slot: nobody follows it$/)
        assert.match(terminal.screen().at(-1) ?? '', /^q quit {2}\? help /)

        terminal.press('?')
        await terminal.until(/^Statuses, and what to do$/m)
        terminal.press(ESCAPE)
        await terminal.until(STOPPED)
        terminal.press('\r')
        await terminal.until(/^sales {2}stopped {2}stop\n.*\n\nconsumer +nobody holds the lease$/m)
        terminal.press(ESCAPE)
        await terminal.until(/^q quit {2}\? help {2}Enter details/m)

        for (const [columns, rows] of [
          [60, 20],
          [40, 12],
          [20, 5],
          [110, 30],
        ] as const) {
          terminal.resize(columns, rows)
          // Its last line is the last one there is, and its first one is still there: nothing has scrolled.
          await terminal.until((text) => {
            const lines = text.split('\n')
            return (
              lines.at(-1)?.startsWith('q quit') === true &&
              /no slot|UTC/.test(lines[0] ?? '') &&
              /^> sales/m.test(text)
            )
          })
        }

        proxy.refuse(true)
        proxy.cut()
        await terminal.until(/^> sales +unknown[^]*^NATS at .* look\s+here again/m)
        assert.match(terminal.screen()[0] ?? '', /sales unknown/)
        proxy.refuse(false)
        await terminal.until((text) => STOPPED.test(text) && !text.includes('NATS at'))

        terminal.press('q')
        assert.is((await terminal.ended).exitCode, 0)
        assertGivenBack(terminal)
      })
    })
  }))

test('Ctrl-C and SIGTERM end it as they end every command, and a terminal without colours or UTF-8 gets none', () =>
  withPreparedShop(async (shop) => {
    const bare = { NO_COLOR: '1', LC_ALL: 'C' }
    await Promise.all([
      withTerminal(shop, WATCH, { environment: bare }, async (terminal) => {
        await terminal.until(STOPPED)
        terminal.press('?')
        await terminal.until(/^Keys$/m)
        assert.is(terminal.isColoured(), false)
        // Whatever sets the manner of letters ends with an m.
        assert.not.match(terminal.written().replaceAll(ESCAPE, '<escape>'), /<escape>\[[\d;]*m/)
        assert.not.match(terminal.written(), /\P{ASCII}/u)
        terminal.press(CTRL_C)
        assert.is((await terminal.ended).exitCode, 130)
        assertGivenBack(terminal)
      }),
      withTerminal(shop, WATCH, { columns: 80, rows: 24 }, async (terminal) => {
        await terminal.until(STOPPED)
        terminal.press('p')
        await terminal.until(/ paused/)
        // There is no shell to which it could give the terminal: so it goes on.
        terminal.press(CTRL_Z)
        await terminal.until(() => terminal.written().includes(LEAVES_SCREEN))
        await terminal.until((text) => terminal.isAlternate() && / paused/.test(text))
        terminal.kill('SIGTERM')
        assert.is((await terminal.ended).exitCode, 143)
        assertGivenBack(terminal)
      }),
    ])
  }))

test('a view that ends while its job is stopped takes the screen no more', () =>
  withProgram([...typeScriptFlags(), ENDING], {}, async (terminal) => {
    assert.is((await terminal.ended).exitCode, 0)
    assert.match(terminal.written(), /is on the screen/)
    assertGivenBack(terminal)
    assert.is(terminal.written().split(ENTERS_SCREEN).length, 2)
    assert.is(terminal.written().split(LEAVES_SCREEN).length, 2)
  }))

test('a defect leaves no terminal behind that nobody can use', () =>
  withProgram([...typeScriptFlags(), CRASHING], {}, async (terminal) => {
    assert.is((await terminal.ended).exitCode, 1)
    assert.match(terminal.written(), /is on the screen/)
    assertGivenBack(terminal)
    const text = terminal.screen().join('\n')
    assert.match(text, /^held back until then$/m)
    assert.match(text, /Error: a defect/)
  }))

test.run()
