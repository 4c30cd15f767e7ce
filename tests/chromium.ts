import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, constants } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { test } from 'uvu'

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** It reaches nothing but what a test opens. */
export const CHROMIUM_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** The system's Chromium, which is installed once where that can be done: on Debian, by root. */
export async function findChromium(): Promise<string | null> {
  const found = await onPath()
  if (found !== null) return found
  if (process.getuid?.() !== 0 || !(await isThere('/etc/debian_version'))) return null
  await install()
  return await onPath()
}

async function onPath(): Promise<string | null> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter))
    for (const program of PROGRAMS)
      if (await isThere(join(folder, program), constants.X_OK)) return join(folder, program)
  return null
}

async function isThere(file: string, mode?: number): Promise<boolean> {
  return await access(file, mode).then(
    () => true,
    () => false,
  )
}

/**
 * Several files of tests may come here at once: one installs, and the others find it done. The lists of packages may be older
 * than the mirror, or not be there at all.
 */
const INSTALL = `command -v chromium || {
  install() { apt-get install -y --no-install-recommends chromium; }
  install || { apt-get update && install; }
}`

async function install(): Promise<void> {
  const args = [join(tmpdir(), 'scission-chromium.lock'), 'sh', '-c', INSTALL]
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const child = spawn('flock', args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  await once(child, 'close')
}

/**
 * Tests of one file, in a browser that they share. Without one they are passed over, and said; where everything has to be
 * tested that is a failure.
 */
export function createBrowserTests(): (name: string, run: (browser: Browser) => Promise<void>) => void {
  let browser: Promise<Browser | null> | null = null
  let left = 0
  return (name, run) => {
    left += 1
    test(name, async () => {
      try {
        const launched = await (browser ??= launch())
        if (launched !== null) return await run(launched)
        if (process.env['CI']) throw new Error(`There is no Chromium: ${WAY_OUT}`)
        process.stderr.write(`passed over: ${name}: there is no Chromium: ${WAY_OUT}\n`)
      } finally {
        left -= 1
        if (left === 0) await (await browser)?.close()
      }
    })
  }
}

const WAY_OUT = 'install the package chromium, or Google Chrome.'

async function launch(): Promise<Browser | null> {
  const executablePath = await findChromium()
  return executablePath === null ? null : await chromium.launch({ executablePath, args: CHROMIUM_FLAGS })
}
