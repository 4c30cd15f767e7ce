// @ts-check
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { build } from 'esbuild'

/** Within the compiled package: the chunks of all programs. */
const BUNDLED_FOLDER = 'bundled'

/** What node is started with, or reads when it runs, by its name there. */
const PROGRAMS = {
  main: 'infra/command-line/main.js',
  'keeper-process': 'publisher/keeper-process.js',
  'contract-set': 'contracts/archimodeler/contract-set.js',
}

/** They find their own programs and files from where they are installed. */
const UNBUNDLED_PACKAGES = ['esbuild', 'tsx', 'tsx/esm/api']

/** What a package has that was written for `require` looks for Node's own modules by it. */
const REQUIRE = `import { createRequire as createRequireOfBundle } from 'node:module'
const require = createRequireOfBundle(import.meta.url)`

/**
 * Bundles the programs of a compiled package with the packages that they use: to open and to link some hundred files takes as
 * much processor time as all that a short command does. Each program's module becomes a line that reads its bundle, so that it
 * is found where it was; the other modules stay, for whoever imports them one by one.
 * @param {string} folder the compiled package
 */
export async function bundlePrograms(folder) {
  const bundled = join(folder, BUNDLED_FOLDER)
  const { metafile } = await build({
    entryPoints: Object.fromEntries(Object.entries(PROGRAMS).map(([name, path]) => [name, join(folder, path)])),
    outdir: bundled,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // Errors and logs name classes and functions.
    keepNames: true,
    external: UNBUNDLED_PACKAGES,
    banner: { js: REQUIRE },
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
    plugins: [ownPlaces(folder)],
  })
  await writeFile(join(bundled, 'licences.txt'), await licencesOf(Object.keys(metafile.inputs)))
  for (const [name, path] of Object.entries(PROGRAMS)) await leadTo(join(bundled, `${name}.js`), join(folder, path))
}

/**
 * A module that finds files from its own place finds them from there when it is part of a bundle.
 * @param {string} folder
 * @returns {import('esbuild').Plugin}
 */
function ownPlaces(folder) {
  return {
    name: 'own-places',
    setup: ({ onLoad }) =>
      onLoad({ filter: /\.js$/ }, async ({ path }) => {
        const place = relative(folder, path)
        if (place.startsWith('..') || place.includes('node_modules')) return undefined
        const address = `new URL(${JSON.stringify(`../${place}`)}, import.meta.url).href`
        return { contents: (await readFile(path, 'utf8')).replaceAll('import.meta.url', address), loader: 'js' }
      }),
  }
}

/**
 * Whoever copies a package hands on its licence with it.
 * @param {readonly string[]} files that were bundled
 */
async function licencesOf(files) {
  const folders = new Set(files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []))
  const texts = [...folders].toSorted().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry))
    const text = file === undefined ? '' : await readFile(join(folder, file), 'utf8')
    return `${name} ${version} (${license})\n\n${text.trim()}\n`
  })
  return (await Promise.all(texts)).join(`\n${'-'.repeat(80)}\n\n`)
}

/**
 * Makes a module one that reads a bundle, and keeps its first line where node is started by that.
 * @param {string} bundle
 * @param {string} module
 */
async function leadTo(bundle, module) {
  const address = relative(dirname(module), bundle).split(sep).join('/')
  const source = await readFile(module, 'utf8')
  const start = /^#!.*\n/.exec(source)?.[0] ?? ''
  const reading = source.includes('export default') ? `export { default } from '${address}'` : `import '${address}'`
  await writeFile(module, `${start}${reading}\n`)
}
