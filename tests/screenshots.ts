import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { type Browser, chromium, type Page } from 'playwright-core'
import { projectFolder } from '../infra/embedded/project-folder.ts'
import { CHROMIUM_FLAGS } from './chromium.ts'
import { findChromium, WAY_OUT } from './chromium-program.ts'

/**
 * Makes docs/images/lag-page-*.png of the demonstration: one of its load, and two of what comes after it.
 */
const FOLDER = `${projectFolder}/docs/images`
const MAIN = `${projectFolder}/infra/command-line/main.ts`

/** Its load takes long enough to be seen. */
const ELEMENTS = 60_000
/** Until the lines of the charts have a shape. */
const FOLLOWED_MS = 60_000
const LIMIT_MS = 600_000

const EACH_MS = 200

const WINDOW = { width: 1280, height: 900 }
const PHONE = { width: 390, height: 844 }

async function main(): Promise<void> {
  const executablePath = await findChromium()
  if (executablePath === null) throw new Error(`There is no Chromium: ${WAY_OUT}`)
  await mkdir(FOLDER, { recursive: true })
  const demo = spawn(
    process.execPath,
    ['--import', 'tsx', MAIN, 'demo', '--serve', '0', '--elements', String(ELEMENTS)],
    { cwd: projectFolder, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const ended = once(demo, 'close')
  const browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS })
  try {
    const url = await addressSaid(demo.stderr)
    demo.stderr.resume()
    await makeAll(browser, url)
  } finally {
    await browser.close()
    demo.kill('SIGINT')
    await ended
  }
}

async function addressSaid(output: NodeJS.ReadableStream): Promise<string> {
  let said = ''
  for await (const piece of output) {
    said += String(piece)
    const [url] = /http:\/\/[^\s,;]+/.exec(said) ?? []
    if (url !== undefined) return url
  }
  throw new Error(`The demonstration ended: ${said}`)
}

async function makeAll(browser: Browser, url: string): Promise<void> {
  const open = async (viewport: typeof WINDOW, colorScheme: 'light' | 'dark'): Promise<Page> => {
    const page = await browser.newPage({ viewport, colorScheme, deviceScaleFactor: 1 })
    page.setDefaultTimeout(LIMIT_MS)
    await page.goto(url)
    return page
  }
  const [light, dark, phone] = [await open(WINDOW, 'light'), await open(WINDOW, 'dark'), await open(PHONE, 'light')]
  await writeFile(`${FOLDER}/lag-page-light.png`, await duringLoad(light))
  await dark.locator('.overall', { hasText: /^All ten services (follow|are level)/ }).waitFor()
  await delay(FOLLOWED_MS)
  await dark.locator('.overall', { hasText: /^All ten services (follow|are level)/ }).waitFor()
  await dark.screenshot({ path: `${FOLDER}/lag-page-dark.png`, fullPage: true })
  await phone.screenshot({ path: `${FOLDER}/lag-page-phone.png` })
}

/** The moment at which the rows that were there were nearest to half of all: the whole takes a few looks. */
async function duringLoad(page: Page): Promise<Buffer> {
  let best: { readonly distance: number; readonly picture: Buffer } | null = null
  await page.locator('.overall', { hasText: 'being loaded' }).waitFor()
  for (let text = ''; !/^All ten services (follow|are level)|indexes/.test(text);) {
    text = (await page.locator('.overall').textContent()) ?? ''
    const percent = /([\d.]+) % of/.exec(text)?.[1]
    const distance = percent === undefined ? Number.POSITIVE_INFINITY : Math.abs(Number(percent) - 50)
    if (distance < (best?.distance ?? 50)) best = { distance, picture: await page.screenshot() }
    await delay(EACH_MS)
  }
  if (best === null) throw new Error('The load was over before it was seen: make ELEMENTS larger')
  return best.picture
}

await main()
