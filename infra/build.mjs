// @ts-check
/**
 * Compiles the package into dist/: what `npm pack` packs. The tree there is the source's, so that every path relative to
 * a module holds in both: the guard's script, the demo's SQL, the page for browsers, and package.json, from which the
 * version is read.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const SOURCE_FOLDERS = ['contracts', 'infra', 'publisher', 'consumers']
const ASSET = /\.(sh|sql|yaml)$|^monitoring\/.*\.json$/

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))
rmSync('dist', { recursive: true, force: true })
const compiler = createRequire(import.meta.url).resolve('typescript/package.json')
const { status } = spawnSync(process.execPath, [join(dirname(compiler), 'bin/tsc'), '-p', 'tsconfig.build.json'], {
  // npm pack --json owns standard output.
  stdio: ['ignore', 2, 2],
})
if (status !== 0) process.exit(status ?? 1)
for (const folder of SOURCE_FOLDERS)
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    if (ASSET.test(file)) cpSync(join(folder, file), join('dist', folder, file))
cpSync('package.json', 'dist/package.json')
await bundlePage('consumers/lag/page')

/**
 * The page's client becomes three files beside the module that reads them.
 * @param {string} folder
 */
async function bundlePage(folder) {
  const bundler = pathToFileURL(join('dist', folder, 'bundle-page.js')).href
  const { PAGE_FILES, ...bundling } = await import(bundler)
  const page = await bundling.bundlePage(join(folder, 'client'))
  const client = join('dist', folder, 'client')
  mkdirSync(client, { recursive: true })
  for (const [part, name] of Object.entries(PAGE_FILES)) writeFileSync(join(client, name), page[part])
}
