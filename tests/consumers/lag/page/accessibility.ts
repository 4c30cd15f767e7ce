import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Page } from 'playwright-core'

/** It runs in the page, whose types are not those of Node: so it is a source of its own. */
const IN_PAGE = fileURLToPath(new URL('in-page/faults.ts', import.meta.url))

/** What a page says to whoever does not see it, as far as a program can tell that it is too little. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  const { outputFiles } = await build({
    entryPoints: [IN_PAGE],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'faults',
  })
  const script = `${outputFiles[0]?.text ?? ''}; [...faults.structureFaults(), ...faults.contrastFaults()]`
  return [...(await page.evaluate<string[]>(script)), ...(await namelessRoles(page))]
}

const NAMED_ROLES = new Set([
  'button',
  'link',
  'table',
  'image',
  'img',
  'progressbar',
  'progress',
  'textbox',
  'region',
  'list',
])
/** Items speak for a list. */
const NEEDS_NO_NAME = new Set(['list'])

/** By the tree that Chromium hands to screen readers. */
async function namelessRoles(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page)
  const { nodes } = await session.send('Accessibility.getFullAXTree')
  return nodes.flatMap(({ ignored, name, role }) => {
    const kind = String(role?.value)
    const isNameless = !ignored && NAMED_ROLES.has(kind) && !NEEDS_NO_NAME.has(kind) && String(name?.value ?? '') === ''
    return isNameless ? [`a ${kind} without a name`] : []
  })
}
