import type { Estimate } from '../preflight/estimate.ts'
import type { Finding } from '../preflight/finding.ts'
import { bytesText, counted, durationText } from './quantities.ts'
import { wrappedText } from './tables.ts'
import { type Colours, displayOf } from './terminal.ts'
import {
  type AddVerb,
  printResult,
  type SharedFlags,
  type VerbContext,
  type VerbExitCode,
  withSharedFlags,
} from './verb.ts'

interface PreflightFlags extends SharedFlags {
  readonly slot: boolean
}

export const addPreflight: AddVerb = (program, run) => {
  withSharedFlags(program.command('preflight'))
    .description('look at the monolith, the services and NATS, change nothing, and say all that is in the way')
    .option('--no-slot', 'for a planned downtime, which needs no slot nor wal_level = logical')
    .action((flags: PreflightFlags) => run(flags, async (context) => await preflight(context, flags)))
}

async function preflight(context: VerbContext, flags: PreflightFlags): Promise<VerbExitCode> {
  const configuration = await context.configureMonolith('all')
  const { hasErrors, reportPreflight } = await import('../preflight/run-preflight.ts')
  context.busyWith('the checks')
  const { estimate, findings } = await reportPreflight(configuration, { withSlot: flags.slot })
  const ready = !hasErrors(findings)
  const { colours, columns } = displayOf(context.world.stdout, context.world.environment)
  printResult(
    context,
    flags,
    { ready, findings, estimate },
    [...estimateText(estimate, columns), preflightText(findings, colours, columns)].join('\n\n'),
  )
  return ready ? 0 : 4
}

/** What a person reads of the checks: each finding with its cure, and whether prepare may begin. */
export function preflightText(findings: readonly Finding[], colours: Colours, columns: number): string {
  return [...findings.map((finding) => findingText(finding, colours, columns)), verdict(findings, colours)].join('\n\n')
}

/** What is to be expected, and that it is an estimate; nothing where there is none. */
export function estimateText(estimate: Estimate | null, columns: number): string[] {
  if (estimate === null) return []
  const { tableBytes, logBytes, serviceBytes, seconds, bytesPerSecond } = estimate
  if (tableBytes === 0)
    return [wrappedText('No estimate: the catalog knows no sizes yet. Run ANALYZE for one.', columns)]
  const sizes = `tables of ${bytesText(tableBytes)}, at most ${bytesText(logBytes)} of log, ${bytesText(serviceBytes)} in the services`
  const time = `${durationText(seconds)} at ${bytesText(bytesPerSecond)}/s`
  return [wrappedText(`To be expected, as an estimate by the catalog's sizes: ${sizes}, and ${time}.`, columns)]
}

function findingText(
  { severity, subject, problem, cure, lines = [] }: Finding,
  colours: Colours,
  columns: number,
): string {
  const colour = { error: colours.red, warning: colours.yellow, information: colours.cyan }[severity]
  return [
    `${colour(severity)}  ${subject}`,
    wrappedText(`  ${problem}`, columns, '  '),
    wrappedText(`  ${cure}`, columns, '  '),
    ...lines.map((line) => `    ${line}`),
  ].join('\n')
}

function verdict(findings: readonly Finding[], colours: Colours): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const warnings = findings.filter(({ severity }) => severity === 'warning').length
  const also = warnings === 0 ? '' : ` (${counted(warnings, 'warning')})`
  if (errors === 0) return colours.green(`Nothing is in the way: prepare may begin${also}.`)
  return colours.red(`${counted(errors, 'error')} in the way${also}: prepare would refuse.`)
}
