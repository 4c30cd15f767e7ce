import { type Browser, chromium } from 'playwright-core'
import { test } from 'uvu'
import { CHROMIUM_FAULT_VARIABLE, findChromium, WAY_OUT } from './chromium-program.ts'

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
        const fault = process.env[CHROMIUM_FAULT_VARIABLE] ?? WAY_OUT
        if (process.env['CI']) throw new Error(`There is no Chromium: ${fault}`)
        process.stderr.write(`passed over: ${name}: there is no Chromium: ${fault}\n`)
      } finally {
        left -= 1
        if (left === 0) await (await browser)?.close()
      }
    })
  }
}

async function launch(): Promise<Browser | null> {
  const executablePath = await findChromium()
  return executablePath === null ? null : await chromium.launch({ executablePath, args: CHROMIUM_FLAGS })
}
