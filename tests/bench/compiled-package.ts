import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { projectFolder } from '../../infra/embedded/project-folder.ts'

/** What `npm run build` makes of the sources, and `npm pack` packs: what is measured is what people install. */
const PACKAGE = `${projectFolder}/dist`

/** The command as it is installed, with the flags that its first line gives to node. */
export const COMPILED_COMMAND = [
  '--max-semi-space-size=2',
  '--heap-growing-percent=200',
  `${PACKAGE}/infra/command-line/main.js`,
]

/** Where `writeCompiledContracts` puts a contract set of this folder. */
export function compiledContracts(name: string): string {
  return `${PACKAGE}/tests/bench/${name}.js`
}

/**
 * Puts this folder's contract sets beside the package, where it loads them without a compiler. But for the endings of
 * what they import they are JavaScript already.
 */
export async function writeCompiledContracts(): Promise<void> {
  await mkdir(`${PACKAGE}/tests/bench`, { recursive: true })
  for (const file of await readdir(import.meta.dirname)) {
    if (!file.endsWith('-contract.ts')) continue
    const text = await readFile(`${import.meta.dirname}/${file}`, 'utf8')
    await writeFile(compiledContracts(file.slice(0, -'.ts'.length)), text.replaceAll(/(from '\..*)\.ts'$/gm, "$1.js'"))
  }
}
