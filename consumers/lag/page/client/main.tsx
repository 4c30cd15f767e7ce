import { render } from 'preact'
import { App } from './app.tsx'
import { followEvents } from './connection.ts'
import { initialState, nextState, type PageEvent } from './page-state.ts'
import { reloadOnce } from './reload.ts'
import { keepToken, takeToken } from './token.ts'

const TICK_MS = 1_000

function start(root: HTMLElement): void {
  const storage = window.sessionStorage
  const replaceAddress = (address: string): void => window.history.replaceState(null, '', address)
  let token = takeToken({ location: window.location, storage, replaceAddress })
  let state = initialState(Date.now())
  const darkness = window.matchMedia('(prefers-color-scheme: dark)')
  const draw = (): void => {
    const scheme = darkness.matches ? 'dark' : 'light'
    render(<App state={state} scheme={scheme} giveToken={giveToken} />, root)
    document.title = state.look === null ? 'Scission' : `${state.look.title} · Scission`
  }
  const tell = (event: PageEvent): void => {
    state = nextState(state, event)
    draw()
  }
  const reload = (): boolean => reloadOnce(storage, Date.now(), () => window.location.reload())
  const follow = (): void => {
    const { signal } = new AbortController()
    followEvents({ address: 'events', token: () => token, tell, signal, wait, reload }).catch(fail)
  }
  /** What was seen last must not look as if it were of now. */
  const fail = (error: unknown): void => {
    window.clearInterval(ticking)
    if (reload()) return
    const words = document.createElement('p')
    words.className = 'first'
    words.textContent = 'This page has met a defect of its own and shows nothing any more: load it anew.'
    root.replaceChildren(words)
    throw error
  }
  const giveToken = (given: string): void => {
    token = given.trim()
    keepToken(storage, token)
    follow()
  }
  darkness.addEventListener('change', draw)
  const ticking = window.setInterval(() => tell({ type: 'tick', nowMs: Date.now() }), TICK_MS)
  root.replaceChildren()
  draw()
  follow()
}

/** A browser slows a hidden tab's timers down; once it is shown again, or there is a network again, nobody wants to wait. */
async function wait(ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      window.clearTimeout(timer)
      document.removeEventListener('visibilitychange', end)
      window.removeEventListener('online', end)
      resolve()
    }
    const timer = window.setTimeout(end, ms)
    document.addEventListener('visibilitychange', end)
    window.addEventListener('online', end)
  })
}

const root = document.querySelector<HTMLElement>('#page')
if (root === null) throw new Error('The page has no place to draw in')
start(root)
