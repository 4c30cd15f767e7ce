import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from '../serve/page-files.ts'

/** Under these names the compiled package holds them, in the folder of the client's source. */
export const PAGE_FILES = { html: 'index.html', script: 'page.js', style: 'page.css' } as const

/** Bundles the client's source; takes a fraction of a second. @throws where that cannot be bundled, as a defect of ours. */
export async function bundlePage(clientFolder: string): Promise<Page> {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: { script: join(clientFolder, 'main.tsx'), style: join(clientFolder, 'style.css') },
    outdir: '/',
    write: false,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'silent',
  })
  const textOf = (ending: string): string => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? ''
  return {
    html: await readFile(join(clientFolder, PAGE_FILES.html), 'utf8'),
    script: textOf('.js'),
    style: textOf('.css'),
  }
}
