import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { projectFolder, scissionFolder } from '../../infra/embedded/project-folder.ts'

/** Names the folder of compiled sources to every process of a run; without it TypeScript is read by tsx. */
export const COMPILED_VARIABLE = 'SCISSION_TEST_COMPILED'

/** What tsc reads, and what decides whether an earlier run's output is this run's too. */
const SOURCE_FOLDERS = ['contracts', 'infra', 'publisher', 'consumers', 'tests']
const SOURCE = /\.(tsx?|mjs|json|html|css|sh|sql|yaml)$/
const SETTINGS = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json']

/** Within a folder of compiled sources: the command with its modules, as the package has them. */
export const PROGRAM_FOLDER = 'program'

const compiledFolder = `${scissionFolder}/compiled`

/** A run that still reads an older output has ended by then. */
const KEPT_MS = 24 * 3_600_000

/**
 * Compiles all sources once, and returns the folder; the same sources are not compiled again. A suite starts some
 * hundred processes, and each of them would spend more on tsx than on its own modules.
 */
export async function compileSources(): Promise<string> {
  const folder = `${compiledFolder}/${await digestOfSources()}`
  if (existsSync(folder)) return folder
  await mkdir(compiledFolder, { recursive: true })
  await removeOld()
  const unfinished = `${compiledFolder}/unfinished-${randomBytes(4).toString('hex')}`
  compileInto(unfinished)
  buildProgram(`${unfinished}/${PROGRAM_FOLDER}`)
  // The servers that it starts find their programs and folders where all of the project's do.
  await symlink(scissionFolder, `${unfinished}/${PROGRAM_FOLDER}/.scission`)
  // Another run may have been first with the same sources.
  await rename(unfinished, folder).catch(async () => await rm(unfinished, { recursive: true, force: true }))
  return folder
}

/** Types are `npm run check`'s business; the imports stay as they are, since every module keeps its own URL. */
function compileInto(folder: string): void {
  const compiler = createRequire(import.meta.url).resolve('typescript/package.json')
  const tsc = join(dirname(compiler), 'bin/tsc')
  const places = ['-p', projectFolder, '--rootDir', projectFolder, '--outDir', folder]
  const output = ['--noEmit', 'false', '--noCheck', '--allowImportingTsExtensions', 'false', '--inlineSourceMap']
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...places, ...output], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`The sources could not be compiled: ${stdout}`)
}

/**
 * The command as it is packed: it starts in a third of the processor time that a process takes whose modules come by a loader.
 */
function buildProgram(folder: string): void {
  const build = `${projectFolder}/infra/build.mjs`
  const { status, stderr } = spawnSync(process.execPath, [build, folder, '--no-check'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`The command could not be built: ${stderr}`)
}

async function digestOfSources(): Promise<string> {
  const lists = await Promise.all(
    SOURCE_FOLDERS.map(async (folder) =>
      (await readdir(`${projectFolder}/${folder}`, { recursive: true }))
        .filter((name) => SOURCE.test(name))
        .map((name) => `${folder}/${name}`),
    ),
  )
  const hash = createHash('sha256')
  for (const name of [...lists.flat().toSorted(), ...SETTINGS])
    hash
      .update(`${name}\0`)
      .update(await readFile(`${projectFolder}/${name}`))
      .update('\0')
  return hash.digest('hex').slice(0, 16)
}

async function removeOld(): Promise<void> {
  for (const name of await readdir(compiledFolder)) {
    const { mtimeMs } = await stat(`${compiledFolder}/${name}`)
    if (Date.now() - mtimeMs > KEPT_MS) await rm(`${compiledFolder}/${name}`, { recursive: true, force: true })
  }
}
