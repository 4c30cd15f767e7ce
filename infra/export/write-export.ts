import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Failure } from '../../contracts/failure.ts'
import type { ExportedFile } from './exported-file.ts'

/**
 * Writes an export into a folder, which is made where it is not there; files of the same names are replaced, since all
 * of them can be made again.
 * @returns the paths of the files.
 * @throws Failure 4 that says why it cannot be written.
 */
export async function writeExport(files: readonly ExportedFile[], folder: string): Promise<string[]> {
  const paths: string[] = []
  try {
    for (const { path, text } of files) {
      const place = join(folder, path)
      await mkdir(dirname(place), { recursive: true })
      await writeFile(place, text)
      paths.push(place)
    }
    return paths
  } catch (cause) {
    if (!(cause instanceof Error) || !('code' in cause)) throw cause
    throw new Failure(4, `The export cannot be written to ${folder} (${String(cause.code)}): give another --out.`, {
      cause,
    })
  }
}
