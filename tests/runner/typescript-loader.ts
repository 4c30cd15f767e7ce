import { COMPILED_VARIABLE } from './compiled-sources.ts'

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
