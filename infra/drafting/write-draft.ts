import { access, mkdir, realpath, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../../contracts/failure.ts'
import type { Draft } from './draft.ts'
import type { OwnType } from './monolith-facts.ts'
import { printDraft } from './print-draft.ts'

/**
 * Writes a draft's modules into a folder, which is made where it is not there.
 * @param force whether files of the same names may be replaced.
 * @returns the paths of the files, `contract-set.ts` last.
 * @throws Failure 4 that names what is there already, before anything is written, or says why nothing can be.
 */
export async function writeDraft(
  draft: Draft,
  types: ReadonlyMap<string, OwnType>,
  folder: string,
  force: boolean,
): Promise<string[]> {
  try {
    await mkdir(folder, { recursive: true })
    const home = await realpath(folder)
    const files = printDraft(draft, types, home).map(({ name, text }) => ({ path: join(home, name), text }))
    if (!force) await refuseExisting(files.map(({ path }) => path))
    for (const { path, text } of files) await writeFile(path, text)
    return files.map(({ path }) => path)
  } catch (cause) {
    if (!(cause instanceof Error) || !('code' in cause)) throw cause
    throw new Failure(4, `The draft cannot be written to ${folder} (${String(cause.code)}): give another --out.`, {
      cause,
    })
  }
}

async function refuseExisting(paths: readonly string[]): Promise<void> {
  const existing: string[] = []
  for (const path of paths) if (await exists(path)) existing.push(path)
  const [first] = existing
  if (first === undefined) return
  const found =
    existing.length > 1 ? `${first} and ${existing.length - 1} more of the draft's files exist` : `${first} exists`
  throw new Failure(4, `${found} already: give another --out, or add --force to replace it.`)
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
