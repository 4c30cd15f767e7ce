import { createRequire } from 'node:module'
import { extname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The modules of the contract language that a draft imports. */
export type LanguageModule = 'contract-set' | 'entity' | 'types'

/** Where the contract language is, for whoever runs this file: `.ts` in a clone, `.js` in the compiled package. */
const LANGUAGE = {
  folder: fileURLToPath(new URL('../../contracts/language', import.meta.url)),
  extension: extname(import.meta.url),
}

const PACKAGE_ADDRESS = 'scission/contracts'

/** What a path has and the address of a module gives another meaning. */
const ADDRESS_MARKS = /[%?#]/g

/**
 * The address by which a module in `folder` imports one of the contract language: the package's where the folder's
 * project has it installed, else a path such as `../../contracts/language/entity.ts`.
 * @param folder absolute, links resolved: a module's own address has none.
 */
export function languageModule(folder: string, name: LanguageModule): string {
  const isInstalled = LANGUAGE.extension !== '.ts' && resolvesPackage(folder)
  return isInstalled ? `${PACKAGE_ADDRESS}/${name}` : languagePath(folder, name, LANGUAGE)
}

/** The path from a folder to a module of the language, as an import has it. */
export function languagePath(folder: string, name: LanguageModule, language: typeof LANGUAGE): string {
  const path = `${relative(folder, language.folder)}/${name}${language.extension}`.split(sep).join('/')
  const address = path.replaceAll(ADDRESS_MARKS, encodeURIComponent)
  return address.startsWith('.') ? address : `./${address}`
}

function resolvesPackage(folder: string): boolean {
  try {
    createRequire(join(folder, 'contract-set.js')).resolve(`${PACKAGE_ADDRESS}/entity`)
    return true
  } catch {
    return false
  }
}
