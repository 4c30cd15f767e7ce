import { once } from 'node:events'
import { createServer } from 'node:net'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CommandResult, runCommand } from './run-command.ts'
import { withFolder } from './shop.ts'

/** Nobody is asked before the page can be served. */
const IAM = {
  NATS_URL: 'nats://user:hidden-10@127.0.0.1:1',
  IAM_DATABASE_URL: 'postgres://iam:hidden-11@127.0.0.1:1/iam',
}

async function consumeIam(
  flags: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  folder = '/',
): Promise<CommandResult> {
  return await runCommand(['consume', 'iam', ...flags], { environment: { ...IAM, ...environment }, folder })
}

async function withUsedPort(use: (port: number) => Promise<CommandResult>): Promise<CommandResult> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  try {
    return await use(typeof address === 'object' && address !== null ? address.port : 0)
  } finally {
    listener.close()
  }
}

async function withTokenFile(content: string): Promise<CommandResult> {
  return await withFolder(async (folder) => {
    await writeFile(join(folder, 'token'), content)
    return await consumeIam(['--serve', '0', '--token-file', './token'], {}, folder)
  })
}

/** What keeps the page from being served. */
export const SERVE_SCENARIOS: Readonly<Record<string, () => Promise<CommandResult>>> = {
  'serve-bad-address': async () => await runCommand(['lag', '--serve', 'page']),
  'serve-and-follow': async () => await runCommand(['lag', '--serve', '--follow']),
  'token-without-serve': async () => await runCommand(['lag', '--token-file', 'token']),
  'serve-without-token': async () => await consumeIam(['--serve', '0.0.0.0:0']),
  'short-token': async () => await consumeIam(['--serve', '0'], { SCISSION_TOKEN: 'hidden-12' }),
  'missing-token-file': async () => await consumeIam(['--serve', '0', '--token-file', '/nowhere/token']),
  'bad-token-file': async () => await withTokenFile('hidden-13 hidden-14 hidden-15'),
  'serve-port-in-use': async () => await withUsedPort(async (port) => await consumeIam(['--serve', String(port)])),
  'demo-serve-elsewhere': async () => await runCommand(['demo', '--serve', '0.0.0.0:8693']),
  'demo-port-in-use': async () =>
    await withUsedPort(async (port) => await runCommand(['demo', '--serve', String(port)])),
  'serve-no-address': async () =>
    await consumeIam(['--serve', '192.0.2.1:8693'], { SCISSION_TOKEN: 'hidden-16-hidden-17' }),
}
