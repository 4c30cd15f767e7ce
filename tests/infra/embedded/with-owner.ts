import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { typeScriptFlags } from '../../runner/typescript-loader.ts'

/** A process that owns an embedded server, and the server's URL once it serves. */
export type Owner = { readonly pid: number; readonly url: Promise<string> }

const program = fileURLToPath(new URL('server-owner.ts', import.meta.url))

/** A process that starts an embedded server, for as long as `use` takes; it may be dead by then. */
export async function withOwner(kind: 'postgres' | 'nats', use: (owner: Owner) => Promise<void>): Promise<void> {
  const child = spawn(process.execPath, [...typeScriptFlags(), program, kind], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (child.pid === undefined) throw new Error('The owner could not be started')
  const exited = once(child, 'exit')
  try {
    await use({ pid: child.pid, url: once(child.stdout, 'data').then(([line]) => JSON.parse(String(line)).url) })
  } finally {
    child.kill('SIGKILL')
    await exited
  }
}
