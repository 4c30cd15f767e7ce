import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'
import { QUIET_MS } from '../../publisher/decide-publication.ts'
import { ANSWER_LIMIT_MS, consume, CONSUMER_WINDOW_BYTES, LOADING_TRANSACTION_BYTES } from '../../consumers/consume.ts'
import type { Control, Page } from '../../contracts/wire/message.ts'
import { createByteWindow } from '../../infra/byte-window.ts'
import { prepare } from '../../infra/prepare/prepare.ts'
import { typeScriptFlags } from '../runner/typescript-loader.ts'
import { withDatabases } from '../with-servers.ts'
import { BANK } from './bank.ts'
import type { Bank } from './with-bank.ts'

const PROGRAM = fileURLToPath(new URL('publish-until-killed.ts', import.meta.url))

export const READERS = 2

/** Publishes in a process of its own that kills itself at a point, and proves that it did. */
export async function crashAt(
  bank: Bank,
  point: string,
  { slot = 'slot', readers = READERS }: { readonly slot?: 'slot' | 'no slot'; readonly readers?: number } = {},
): Promise<void> {
  const { nats, prefix } = bank.dependencies
  const child = spawn(
    process.execPath,
    [...typeScriptFlags(), PROGRAM, prefix, bank.url, nats.url, slot, String(readers)],
    {
      env: { ...process.env, SCISSION_CRASH_POINT: point },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  const said = text(child.stderr)
  await once(child, 'exit')
  const [name, passing = '1'] = point.split(':')
  assert.match(await said, `Crash point ${name}, passing ${passing}\n`)
  assert.is(child.signalCode, 'SIGKILL')
}

/** What a service's log held when the publisher was gone. */
export interface Held {
  readonly controls: readonly Control[]
  readonly pages: readonly Page[]
}

export async function readHeld(bank: Bank): Promise<Held> {
  const contents = [await bank.read('vault'), await bank.read('wallet')]
  return { controls: contents.flatMap(({ controls }) => controls), pages: contents.flatMap(({ pages }) => pages) }
}

/** What the log holds when it has stopped growing: what a killed publisher sent last may be stored a moment later. */
export async function readSettled(bank: Bank): Promise<Held> {
  for (let held = await readHeld(bank); ;) {
    await delay(QUIET_MS)
    const later = await readHeld(bank)
    if (later.pages.length === held.pages.length && later.controls.length === held.controls.length) return later
    held = later
  }
}

export function finishedIn({ controls }: Held): string[] {
  return controls.flatMap((control) => (control.control === 'complete' ? [control.entity] : []))
}

/** The chunks that were begun and not closed, which alone are read again. */
export function openChunks({ controls, pages }: Held): string[] {
  const closed = new Set(
    controls.flatMap((control) => (control.control === 'chunk' ? [`${control.entity}/${control.chunk}`] : [])),
  )
  const finished = finishedIn({ controls, pages })
  const begun = new Set(pages.map(({ entity, chunk }) => `${entity}/${chunk}`))
  return [...begun].filter((name) => !closed.has(name) && !finished.includes(name.split('/')[0] ?? ''))
}

/** Count and content of a table, by plain SQL. */
export type TableSum = string

export const TABLES = { Account: 'vault', Purse: 'wallet', Coin: 'wallet' } as const

/** Loads the services by real consumers, and sums their tables. */
export async function loadedSums(
  bank: Bank,
  sumOf: (url: string, table: string) => Promise<TableSum>,
): Promise<object> {
  const { monolith, nats, prefix } = bank.dependencies
  return await withDatabases(['vault', 'wallet'], async (urls) => {
    const services = BANK.services.map((service) => {
      const url = urls[service.name as keyof typeof urls]
      return { service, database: { title: `service ${service.name}`, variable: 'TEST_DATABASE_URL', url } }
    })
    await prepare({ set: BANK, prefix, monolith, nats, services, replicas: 1 }, { withSlot: false, dryRun: false })
    const window = createByteWindow(CONSUMER_WINDOW_BYTES)
    const signal = new AbortController().signal
    for (const { service, database } of services)
      await consume(
        { set: BANK, prefix, service, database, nats, window },
        {
          untilCaughtUp: true,
          loaders: 2,
          transactionBytes: LOADING_TRANSACTION_BYTES,
          maxWaitMs: 20_000,
          answerLimitMs: ANSWER_LIMIT_MS,
          signal,
        },
        () => undefined,
      )
    const sums = Object.entries(TABLES).map(async ([table, name]) => [table, await sumOf(urls[name], table)] as const)
    return Object.fromEntries(await Promise.all(sums))
  })
}
