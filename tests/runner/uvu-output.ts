import { stripVTControlCharacters } from 'node:util'

/** What uvu prints when it has run all suites of a process. `total` leaves out what was skipped. */
export type UvuSummary = { readonly total: number; readonly passed: number; readonly skipped: number }

/**
 * Finds each summary in a test file's standard output. There is one where the file registered its suites in one go;
 * none where it registered no suite, or ended before all had run.
 */
export function uvuSummaries(output: string): UvuSummary[] {
  const summary = /^ {2}Total: {5}(\d+)\n {2}Passed: {4}(\d+)\n {2}Skipped: {3}(\d+)\n {2}Duration: /gm
  return [...stripVTControlCharacters(output).matchAll(summary)].map(([, total, passed, skipped]) => ({
    total: Number(total),
    passed: Number(passed),
    skipped: Number(skipped),
  }))
}
