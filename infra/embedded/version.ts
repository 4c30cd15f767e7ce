import type { ProgramResult } from './run-program.ts'

/** A program's version, as its numbers: [15, 18] or [2, 10, 27]. */
export type Version = readonly number[]

/** The first version number in what `--version` prints, or `undefined` where it prints none. */
export function parseVersion(text: string): Version | undefined {
  return /(\d+(?:\.\d+)+|\d+)/.exec(text)?.[0].split('.').map(Number)
}

/** Whether `version` is `least` or newer; numbers that are not given count as 0. */
export function isAtLeast(version: Version, least: Version): boolean {
  const length = Math.max(version.length, least.length)
  for (let i = 0; i < length; i++) {
    const difference = (version[i] ?? 0) - (least[i] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}

/** The version of a program that serves, or why it does not. */
export type Judged = { readonly version: string } | { readonly fault: string }

/** Judges a program by what its `--version` printed. */
export function judgeVersion({ status, output }: ProgramResult, least: Version): Judged {
  if (status !== 0) return { fault: `it cannot be run (${output || `status ${status}`})` }
  const version = parseVersion(output)
  if (version === undefined) return { fault: `it does not tell its version (${output})` }
  if (isAtLeast(version, least)) return { version: version.join('.') }
  return { fault: `it is version ${version.join('.')}, and ${least.join('.')} or newer is needed` }
}
