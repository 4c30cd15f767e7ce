import { readdir, readFile } from 'node:fs/promises'

/** A file of tests, by its path in the project, how long it may run, whether tsx must run it, and whether it needs a browser. */
export type TestFile = {
  readonly path: string
  readonly deadlineMs: number
  readonly byTsx: boolean
  readonly inBrowser?: boolean
}

const DEFAULT_DEADLINE_MS = 120_000

/** All files of tests under `folder`, or those whose path holds one of `filters`; the slowest ones first. */
export async function findTestFiles(folder: string, filters: readonly string[]): Promise<TestFile[]> {
  const names = await readdir(folder, { recursive: true })
  const paths = names.filter((name) => name.endsWith('.test.ts')).map((name) => `${folder}/${name}`)
  const files = paths
    .filter((path) => isWanted(path, filters))
    .map(async (path) => {
      const source = await readFile(path, 'utf8')
      return { path, deadlineMs: deadlineOf(source), byTsx: needsTsx(source), inBrowser: needsBrowser(source) }
    })
  return inRunningOrder(await Promise.all(files))
}

/** Whether a path holds one of the filters, or there are none. */
export function isWanted(path: string, filters: readonly string[]): boolean {
  return filters.length === 0 || filters.some((filter) => path.includes(filter.replace(/^\.\//, '')))
}

/** The time that a file's first line asks for, as `// deadline: 300 s`, else two minutes. */
export function deadlineOf(source: string): number {
  const seconds = /^\/\/ deadline: (\d+) s$/m.exec(source.split('\n', 1)[0] ?? '')?.[1]
  return seconds === undefined ? DEFAULT_DEADLINE_MS : Number(seconds) * 1000
}

/** Whether the file says in a line before its imports that it loads TypeScript which is not the project's. */
export function needsTsx(source: string): boolean {
  return /^(\/\/.*\n)*\/\/ by tsx\n/.test(source)
}

/** Whether the file has tests in a browser. */
export function needsBrowser(source: string): boolean {
  return /^import .* from '(\.\.?\/)+chromium\.ts'$/m.test(source)
}

/** Files that may take longest go first, so that none of them is left running alone at the end. */
export function inRunningOrder(files: readonly TestFile[]): TestFile[] {
  return files.toSorted((a, b) => b.deadlineMs - a.deadlineMs || (a.path < b.path ? -1 : 1))
}
