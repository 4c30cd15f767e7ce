// @ts-check
/**
 * Compiles the package into dist/, which `npm pack` packs, or into the folder that is named; with `--no-check` behind it types
 * are another's business. The tree there is the source's, so that every path relative to
 * a module holds in both: the guard's script, the demo's SQL, the page for browsers, and package.json, from which the
 * version is read. The programs are bundled beside it.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { bundlePrograms } from './bundle-programs.mjs'

const SOURCE_FOLDERS = ['contracts', 'infra', 'publisher', 'consumers']
const ASSET = /\.(sh|sql|yaml)$|^monitoring\/.*\.json$/

const [, , out = 'dist', ...checking] = process.argv

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))
rmSync(out, { recursive: true, force: true })
const compiler = createRequire(import.meta.url).resolve('typescript/package.json')
const compiling = [
  '-p',
  'tsconfig.build.json',
  '--outDir',
  out,
  ...(checking.includes('--no-check') ? ['--noCheck'] : []),
]
const { status } = spawnSync(process.execPath, [join(dirname(compiler), 'bin/tsc'), ...compiling], {
  // npm pack --json owns standard output.
  stdio: ['ignore', 2, 2],
})
if (status !== 0) process.exit(status ?? 1)
for (const folder of SOURCE_FOLDERS)
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    if (ASSET.test(file)) cpSync(join(folder, file), join(out, folder, file))
cpSync('package.json', join(out, 'package.json'))
await bundlePage('consumers/lag/page')
await bundlePrograms(resolve(out))

/**
 * The page's client becomes three files beside the module that reads them.
 * @param {string} folder
 */
async function bundlePage(folder) {
  const bundler = pathToFileURL(resolve(out, folder, 'bundle-page.js')).href
  const { PAGE_FILES, ...bundling } = await import(bundler)
  const page = await bundling.bundlePage(join(folder, 'client'))
  const client = join(out, folder, 'client')
  mkdirSync(client, { recursive: true })
  for (const [part, name] of Object.entries(PAGE_FILES)) writeFileSync(join(client, name), page[part])
}
