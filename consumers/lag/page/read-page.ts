import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from '../serve/page-files.ts'
import { bundlePage, PAGE_FILES } from './bundle-page.ts'

const CLIENT_FOLDER = fileURLToPath(new URL('client', import.meta.url))

/** The page as browsers get it: from the source tree it is bundled, and the compiled package has it in files. */
export async function readPage(): Promise<Page> {
  const isCompiled = import.meta.url.endsWith('.js')
  return isCompiled ? await readFiles(CLIENT_FOLDER) : await bundlePage(CLIENT_FOLDER)
}

async function readFiles(folder: string): Promise<Page> {
  const [html, script, style] = await Promise.all(
    [PAGE_FILES.html, PAGE_FILES.script, PAGE_FILES.style].map(
      async (name) => await readFile(join(folder, name), 'utf8'),
    ),
  )
  return { html: html ?? '', script: script ?? '', style: style ?? '' }
}
