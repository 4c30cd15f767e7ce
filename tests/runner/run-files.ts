import { runFile, type FileResult } from './run-file.ts'
import type { TestFile } from './test-files.ts'
import { verdictOf, type Verdict } from './verdict.ts'

/** A file that has run, and what it counts for. */
export type JudgedFile = { readonly file: TestFile; readonly result: FileResult; readonly verdict: Verdict }

/** Runs the files, `atOnce` of them at a time, and tells of each as it ends. Aborting `signal` ends those that run. */
export async function runFiles(
  files: readonly TestFile[],
  atOnce: number,
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
  tell: (judged: JudgedFile) => void,
): Promise<void> {
  const waiting = [...files]
  const work = async () => {
    for (let file = waiting.shift(); file !== undefined && !signal.aborted; file = waiting.shift()) {
      const result = await runFile(file, environment, signal)
      tell({ file, result, verdict: verdictOf(result.end, result.standardOutput) })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}

/** What is printed of a file: a line, and all that it printed where it failed. */
export function reportOf({ file, result, verdict }: JudgedFile): string {
  const { passed, failed, skipped, fault } = verdict
  const counts = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
  const line = `${failed === 0 ? 'ok  ' : 'FAIL'} ${file.path} (${counts}, ${(result.durationMs / 1000).toFixed(1)} s)`
  if (failed === 0) return `${line}\n`
  const reason = fault === undefined ? '' : `\n${file.path} ${fault}.`
  return `${line}\n${indented(result.output)}${reason}\n`
}

function indented(output: string): string {
  return output.trimEnd().replace(/^/gm, '  | ')
}
