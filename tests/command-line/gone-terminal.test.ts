// deadline: 180 s
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { PassThrough } from 'node:stream'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openOutput } from '../../infra/command-line/output.ts'
import { untilTrue } from '../publisher/with-bank.ts'
import { commandArguments } from '../runner/typescript-loader.ts'
import { environmentOf } from './run-command.ts'
import { type Shop, succeed, withClient, withShop } from './shop.ts'
import { withProgram } from './terminal-command.ts'

/** As one that was disowned: nothing else than the terminal's end comes to it. */
const WITHOUT_HANGUP = ['--import', 'data:text/javascript,process.on("SIGHUP",()=>undefined)']

const FULL = '/dev/full'

async function untilLoaded({ sales }: Shop): Promise<void> {
  await withClient(sales, async (client) => await untilTrue(client, `(SELECT count(*) = 2 FROM "Order")`, 60_000))
}

test('a terminal that goes away, and a full disk below the log, end neither consume nor publish', () =>
  withShop(async (shop) => {
    await succeed(shop.run(['prepare', '--no-slot', '--yes']))
    const args = ['consume', '--all']
    const program = [...WITHOUT_HANGUP, ...commandArguments(args)]
    await withProgram(program, { environment: shop.environment }, async (terminal) => {
      await terminal.until(/^Order .*waiting/m)
      terminal.hangUp()
      assert.is(await exitCodeOnFullDisk(shop, ['publish', '--snapshot-only', '--no-slot']), 0)
      // Bars are drawn for these, and there is nothing to draw on.
      await untilLoaded(shop)
      terminal.kill('SIGTERM')
      assert.is((await terminal.ended).exitCode, 143)
    })
  }))

/** All it says is lost, its result too. */
async function exitCodeOnFullDisk({ environment }: Shop, args: readonly string[]): Promise<number | null> {
  const full = await open(FULL, 'w')
  try {
    const child = spawn(process.execPath, commandArguments(args), {
      cwd: '/',
      env: { ...environmentOf(environment), SCISSION_LOG: 'auto' },
      stdio: ['ignore', full.fd, full.fd],
    })
    const [exitCode] = (await once(child, 'exit')) as [number | null]
    return exitCode
  } finally {
    await full.close()
  }
}

test('whatever befalls a stream of output, what is said after it is no failure', () => {
  for (const code of ['EIO', 'ENOSPC', 'EPIPE', 'ENXIO']) {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const output = openOutput({ stdout, stderr } as unknown as Parameters<typeof openOutput>[0])
    for (const stream of [stdout, stderr]) stream.emit('error', Object.assign(new Error(code), { code }))
    output.data('data')
    output.note('note')
    assert.equal([String(stdout.read()), String(stderr.read())], ['data\n', 'note\n'])
  }
})

test.run()
