import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { typeScriptFlags } from '../runner/typescript-loader.ts'
import type { TestService } from './with-service.ts'

const PROGRAM = new URL('consume-until-killed.ts', import.meta.url).pathname

/** Starts a consumer in a process of its own, and kills it when `moment` has come after it has begun. */
export async function killConsumer(
  { prefix, database, nats }: TestService,
  { transactionBytes, loaders }: { readonly transactionBytes: number; readonly loaders: number },
  moment: () => Promise<unknown>,
): Promise<void> {
  const given = [prefix, database.url, nats.url, String(transactionBytes), String(loaders)]
  const child = spawn(process.execPath, [...typeScriptFlags(), PROGRAM, ...given], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  await Promise.race([once(child.stdout, 'data'), exited])
  child.stdout.resume()
  await moment()
  child.kill('SIGKILL')
  await exited
}
