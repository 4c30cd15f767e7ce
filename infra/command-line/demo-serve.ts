import type { ServeAddress } from '../../consumers/lag/serve/access.ts'
import type { MonolithConfiguration } from '../configuration/configuration.ts'
import { simulateApplication } from '../demo/application.ts'
import { consumeLive, publishLive } from './demo-live.ts'
import type { DemoFlags } from './demo.ts'
import { isLoopback } from '../../consumers/lag/serve/access.ts'
import { tokenFor, withLagServer } from './serve.ts'
import { DEFAULT_ADDRESS } from './serve-address.ts'
import type { VerbContext, VerbExitCode } from './verb.ts'

/** A split that somebody looks at: enough for curves, and a machine that stays quiet. */
const CALM = { sessions: 2, restMs: 100 }

/** Shows the page for as long as the demonstration takes, and lets the split live on after it until it is interrupted. */
export async function withDemoPage(
  context: VerbContext,
  configuration: MonolithConfiguration,
  { seed, serve }: DemoFlags,
  show: () => Promise<VerbExitCode>,
): Promise<VerbExitCode> {
  if (serve === undefined) return await show()
  const address: ServeAddress = serve === true ? DEFAULT_ADDRESS : serve
  const token = await tokenFor(context, address, {}, configuration)
  return await withLagServer(context, { configuration, address, token, verb: 'demo --serve' }, async ({ url }) => {
    const asks = isLoopback(address.host) ? '' : ', which asks for the token'
    context.output.note(`The page is at ${url}${asks}`)
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
    consumeLive(configuration, signal, () => undefined),
  ]
  try {
    await Promise.all(running)
  } finally {
    // The one that failed first tells why; the others end before the servers do.
    stop.abort()
    await Promise.allSettled(running)
  }
}
