import type { LagReport } from '../../consumers/lag/lag-report.ts'
import { printableLines } from './terminal-line.ts'
import type { VerbContext, VerbExitCode } from './verb.ts'

/** Says why something is not told. @returns the exit code of the first reason; null where all is told. */
export function noteProblems(
  { log, output }: VerbContext,
  { problems }: Pick<LagReport, 'problems'>,
): VerbExitCode | null {
  for (const { exitCode, sentence } of problems)
    if (log.isJson) log.warn({ event: 'problem', exitCode }, sentence)
    else output.note(`scission: ${printableLines(sentence)}`)
  return problems[0]?.exitCode ?? null
}
