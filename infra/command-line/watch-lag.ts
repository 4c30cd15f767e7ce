import { setTimeout as delay } from 'node:timers/promises'
import type { LagWatch } from '../../consumers/lag/lag-watch.ts'
import { Failure } from '../../contracts/failure.ts'
import type { MonolithConfiguration } from '../configuration/configuration.ts'
import { type FullScreen, hasFullScreen, openFullScreen } from './full-screen.ts'
import type { VerbContext, VerbExitCode } from './verb.ts'
import { afterKey, FIRST_CONTROLS, type PressedKey, watchKeyOf } from './watch-keys.ts'
import { watchBounds, watchScreen } from './watch-screen.ts'
import type { WatchState } from './watch-state.ts'

/** How long a look has been under way is drawn as often. */
const DRAW_EVERY_MS = 1_000

/** A look that hangs on a server which does not answer is not waited for longer: it writes nothing. */
const END_LIMIT_MS = 500

/** What ends a sentence about a server that is away: nothing need be run again. */
const WAY_OUT = 'look here again'

/** @throws Failure 2 where there is no terminal to show it on, and to read keys from. */
export function requireTerminal({ world }: VerbContext): void {
  if (!hasFullScreen(world)) throw new Failure(2, 'lag --watch needs a terminal: use --follow, or --json.')
}

/** Shows on the whole terminal how all are, until a key or a signal ends it. It goes on whatever is away. */
export async function watchLag(context: VerbContext, configuration: MonolithConfiguration): Promise<VerbExitCode> {
  context.busyWith('the last look')
  const view = openView(context, configuration)
  const looking = lookOn(configuration, view)
  try {
    await Promise.race([view.ended, looking])
  } finally {
    view.close()
  }
  await Promise.race([looking, delay(END_LIMIT_MS)])
  return 0
}

async function lookOn(configuration: MonolithConfiguration, view: View): Promise<void> {
  const { createLagReader } = await import('../../consumers/lag/lag-reader.ts')
  const { createLagWatch } = await import('../../consumers/lag/lag-watch.ts')
  const { withLagSources } = await import('./standing.ts')
  await withLagSources(configuration, 'lag', async (sources) => {
    const watch = createLagWatch(createLagReader({ ...sources, wayOut: WAY_OUT }), view.fail)
    try {
      view.show(watch)
      await view.ended
    } finally {
      await watch.close()
    }
  })
}

interface View {
  /** Resolves when somebody ends it, and rejects where there is a defect of ours. */
  readonly ended: Promise<void>
  readonly fail: (error: unknown) => void
  readonly show: (watch: LagWatch) => void
  readonly close: () => void
}

/** What is on the screen, and what the keys do to it; drawn with each look, each key, each new size, and each second. */
function openView({ output, signal, world }: VerbContext, { prefix, services, set }: MonolithConfiguration): View {
  const beganAtMs = Date.now()
  let end: () => void = () => undefined
  let fail: (error: unknown) => void = () => undefined
  const ended = new Promise<void>((resolve, reject) => {
    end = resolve
    fail = reject
  })
  let watch: LagWatch | null = null
  let state: WatchState = {
    contractSet: set.name,
    prefix,
    services: services.map(({ service }) => service.name),
    look: null,
    lookedAtMs: beganAtMs,
    nowMs: beganAtMs,
    controls: FIRST_CONTROLS,
  }
  const draw = (): void => {
    const latest = watch?.latest() ?? null
    state = {
      ...state,
      look: state.controls.isPaused ? (state.look ?? latest) : latest,
      lookedAtMs: latest?.atMs ?? beganAtMs,
      nowMs: Date.now(),
    }
    full.draw(watchScreen(state, full.screen()))
  }
  const pressed = (key: PressedKey): void => {
    const asked = watchKeyOf(key)
    if (asked !== null)
      state = { ...state, controls: afterKey(state.controls, asked, watchBounds(state, full.screen())) }
    if (state.controls.isEnded) end()
    else draw()
  }
  const full: FullScreen = openFullScreen(world, output, { pressed, exposed: draw })
  const timer = setInterval(() => {
    // A look that came in time has drawn it just now.
    if (Date.now() - state.nowMs > DRAW_EVERY_MS / 2) draw()
  }, DRAW_EVERY_MS)
  signal.addEventListener('abort', end)
  draw()
  return {
    ended,
    fail,
    show: (shown) => {
      watch = shown
      watch.subscribe(draw)
    },
    close: () => {
      clearInterval(timer)
      full.close()
    },
  }
}
