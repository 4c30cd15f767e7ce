import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import * as assert from 'uvu/assert'

export interface OpenOptions extends BrowserContextOptions {
  /** The server goes away, or refuses: the browser says of each request that fails that it failed. */
  readonly mayFailRequests?: boolean
}

/** However loaded the machine is, a page that has not come to a state by then does not come to it. */
export const PAGE_DEADLINE_MS = 30_000

/**
 * A page for as long as `use` takes. It fails where the console has an error, or where a request leaves the server.
 */
export async function withPage<Result>(
  browser: Browser,
  url: string,
  { mayFailRequests = false, ...options }: OpenOptions,
  use: (page: Page) => Promise<Result>,
): Promise<Result> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  context.setDefaultTimeout(PAGE_DEADLINE_MS)
  const wrong: string[] = []
  const { origin } = new URL(url)
  const page = await context.newPage()
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return
    if (!mayFailRequests || !message.text().startsWith('Failed to load resource')) wrong.push(message.text())
  })
  page.on('pageerror', (error) => wrong.push(error.stack ?? error.message))
  context.on('request', (request) => {
    const asked = request.url()
    if (!asked.startsWith('data:') && new URL(asked).origin !== origin) wrong.push(`It asked for ${asked}`)
  })
  try {
    await page.goto(url)
    const result = await use(page)
    assert.equal(wrong, [])
    return result
  } finally {
    await context.close()
  }
}

/** The text that the page shows, with what is for screen readers alone. */
export async function textOf(page: Page, selector = 'body'): Promise<string> {
  return (await page.locator(selector).allTextContents()).join('\n')
}

/** Waits until the page shows a text. */
export async function untilShown(page: Page, text: string | RegExp, selector = 'body'): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor({ state: 'attached' })
}
