import { fileURLToPath } from 'node:url'
import { COMPILED_VARIABLE, PROGRAM_FOLDER } from './compiled-sources.ts'

/** From here, so that a process finds it from any folder. */
const TSX = import.meta.resolve('tsx')

/**
 * The flags with which `node` runs a file of this project's sources: as the run of tests has compiled them; by tsx where
 * there is no such run, or where `byTsx` says that the process also reads TypeScript that is not the project's.
 */
export function typeScriptFlags({ byTsx = false, compiled = process.env[COMPILED_VARIABLE] } = {}): readonly string[] {
  if (byTsx || compiled === undefined) return ['--import', TSX]
  // In the URL, since the command refuses variables that it does not know.
  const loader = new URL('load-compiled.mjs', import.meta.url)
  loader.searchParams.set('folder', compiled)
  return ['--import', loader.href]
}

const compiledHere = process.env[COMPILED_VARIABLE]
const programFolder = compiledHere === undefined ? null : `${compiledHere}/${PROGRAM_FOLDER}`

/** What `node` is given to run the command: as it is packed, where the run of tests has built it. */
export function commandArguments(args: readonly string[]): string[] {
  if (programFolder !== null) return [`${programFolder}/infra/command-line/main.js`, ...args]
  const main = fileURLToPath(new URL('../../infra/command-line/main.ts', import.meta.url))
  return [...typeScriptFlags(), main, ...args]
}

/** A module of the contract language, for contracts that the command reads without a loader. */
export function languageModule(name: string): string {
  if (programFolder !== null) return `${programFolder}/contracts/language/${name}.js`
  return fileURLToPath(new URL(`../../contracts/language/${name}.ts`, import.meta.url))
}
