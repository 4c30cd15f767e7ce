import { readFile } from 'node:fs/promises'

/** One row of the table in docs/errors.md. */
export interface ErrorRow {
  readonly id: string
  /** The sentence, with … for its variable parts. */
  readonly sentence: string
  readonly exitCode: number
}

/** Reads the rows `| id | what is wrong | sentence | exit code |`. */
export async function readErrorsTable(): Promise<ErrorRow[]> {
  const page = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  return page.split('\n').flatMap((line) => {
    const [, id, , sentence, exitCode] = line.split(/(?<!\\)\|/).map((cell) => cell.trim())
    if (id === undefined || sentence === undefined || !/^`[a-z0-9-]+`$/.test(id)) return []
    return [{ id: id.slice(1, -1), sentence: sentence.replaceAll('\\|', '|'), exitCode: Number(exitCode) }]
  })
}

/** The last thing on standard error must be the whole sentence; … stands for anything, a blank for a new line too. */
export function saysSentence(stderr: string, sentence: string): boolean {
  const pattern = sentence
    .split('…')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(' ', '\\s+'))
    .join('[^]*?')
  return new RegExp(`(^|\\n)scission: ${pattern}\\n$`).test(stderr)
}
