import { unreachable } from '../../contracts/failure.ts'
import { uvuSummaries } from './uvu-output.ts'

/** How the process of a test file ended. */
export type FileEnd =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'late'; readonly deadlineMs: number }

/** What a test file counts for in the whole run; `fault` says why a file failed other than by a failing test. */
export type Verdict = {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly fault?: string
}

/**
 * Judges a test file by how it ended and by what it printed on standard output. The exit status alone would not do: uvu
 * exits with 0 where a hook threw before the first test, and where no suite was ever run. A file that is broken counts
 * as one failed test, however many it would have had.
 */
export function verdictOf(end: FileEnd, output: string): Verdict {
  const [summary, ...others] = uvuSummaries(output)
  if (summary === undefined) return broken(`${describe(end)} without having run any suite to its end`)
  if (others.length > 0) return broken('printed more than one summary: its suites were not all registered at once')
  if (summary.total === 0) return broken('ran no test')
  const { total, passed, skipped } = summary
  if (passed > total) return broken('counted more passed tests than it ran')
  if (passed < total) return { passed, failed: total - passed, skipped }
  if (end.kind === 'exited' && end.status === 0) return { passed, failed: 0, skipped }
  return { passed, failed: 1, skipped, fault: `${describe(end)} although its tests had passed` }
}

/** The sum over all files. */
export function sumOf(verdicts: readonly Verdict[]): Verdict {
  const sum = (count: (verdict: Verdict) => number) => verdicts.reduce((all, verdict) => all + count(verdict), 0)
  return { passed: sum((v) => v.passed), failed: sum((v) => v.failed), skipped: sum((v) => v.skipped) }
}

/** The exit status of a run: one in which nothing passed has shown nothing. */
export function statusOf({ passed, failed }: Verdict): 0 | 1 {
  return failed > 0 || passed === 0 ? 1 : 0
}

/** The line that closes a run. */
export function closingLine({ passed, failed, skipped }: Verdict): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

function broken(fault: string): Verdict {
  return { passed: 0, failed: 1, skipped: 0, fault }
}

function describe(end: FileEnd): string {
  switch (end.kind) {
    case 'exited':
      return `exited with ${end.status}`
    case 'killed':
      return `was killed by ${end.signal}`
    case 'late':
      return `was killed after its deadline of ${end.deadlineMs / 1000} s`
    default:
      return unreachable(end)
  }
}
