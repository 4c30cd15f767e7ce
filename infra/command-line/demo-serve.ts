import { once } from 'node:events'
import { createServer } from 'node:net'
import { isLoopback, type ServeAddress } from '../../consumers/lag/serve/access.ts'
import { Failure } from '../../contracts/failure.ts'
import type { MonolithConfiguration } from '../configuration/configuration.ts'
import { simulateApplication } from '../demo/application.ts'
import { consumeLive, publishLive, tellNotice } from './demo-live.ts'
import type { DemoFlags } from './demo.ts'
import { withLagServer } from './serve.ts'
import { DEFAULT_ADDRESS } from './serve-address.ts'
import type { VerbContext, VerbExitCode } from './verb.ts'

/** A split that somebody looks at: enough for curves, and a machine that stays quiet. */
const CALM = { sessions: 2, restMs: 100 }

/**
 * Where the page will be served; null where none is wanted.
 * @throws Failure 2 where others than this machine reach it: a demonstration has no token to ask for.
 */
export function demoAddress(serve: DemoFlags['serve']): ServeAddress | null {
  if (serve === undefined) return null
  const address = serve === true ? DEFAULT_ADDRESS : serve
  if (isLoopback(address.host)) return address
  throw new Failure(
    2,
    `demo shows its page to this machine alone, and not at ${address.host}: give --serve a port, or ${DEFAULT_ADDRESS.host}:${DEFAULT_ADDRESS.port}.`,
  )
}

/**
 * Sees that the page can be served, before a monolith is made that nobody could look at.
 * @throws Failure 4 where it cannot.
 */
export async function requireFreeAddress({ host, port }: ServeAddress): Promise<void> {
  const server = createServer().listen({ host, port })
  try {
    await once(server, 'listening')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    const place = `${host.includes(':') ? `[${host}]` : host}:${port}`
    throw new Failure(
      4,
      `The page cannot be served at ${place} (${code}): give demo --serve another port, or 0 for any that is free.`,
      { cause },
    )
  }
  await once(server.close(), 'close')
}

/** What of the page is known before there is a split to show. */
export interface DemoPage extends Pick<DemoFlags, 'seed'> {
  readonly address: ServeAddress | null
}

/** Shows the page for as long as the demonstration takes, and lets the split live on after it until it is interrupted. */
export async function withDemoPage(
  context: VerbContext,
  configuration: MonolithConfiguration,
  { address, seed }: DemoPage,
  show: () => Promise<VerbExitCode>,
): Promise<VerbExitCode> {
  if (address === null) return await show()
  const serving = { configuration, address, token: null, verb: 'demo --serve' }
  return await withLagServer(context, serving, async ({ url }) => {
    context.output.note(`The page is at ${url}`)
    const exitCode = await show()
    context.output.note(`\nThe split lives on, and an application writes to its monolith: see ${url}; Ctrl-C ends it.`)
    await liveOn(context, configuration, seed)
    return exitCode
  })
}

async function liveOn(context: VerbContext, configuration: MonolithConfiguration, seed: number): Promise<void> {
  context.busyWith('the changes that are on their way')
  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  const running = [
    simulateApplication(configuration.monolith.url, seed + 1, signal, { transactions: 0, refused: 0 }, CALM),
    publishLive(context, configuration, { signal, untilMarker: null }, () => undefined),
    consumeLive(configuration, signal, (event) => tellNotice(context.log, event)),
  ]
  try {
    await Promise.all(running)
  } finally {
    // The one that failed first tells why; the others end before the servers do.
    stop.abort()
    await Promise.allSettled(running)
  }
}
