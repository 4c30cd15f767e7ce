import { isKnown, type LagReport } from '../../consumers/lag/lag-report.ts'
import { noteProblems } from './lag-problems.ts'
import {
  errorSentences,
  lagTable,
  parkedSentences,
  replaySentences,
  slotSentence,
  type TableDisplay,
  tableDisplayOf,
} from './lag-text.ts'
import {
  type AddVerb,
  printResult,
  type SharedFlags,
  type VerbContext,
  type VerbExitCode,
  withSharedFlags,
} from './verb.ts'

export interface StatusReport extends LagReport {
  readonly contractSet: string
  readonly prefix: string
}

export const addStatus: AddVerb = (program, run) => {
  withSharedFlags(program.command('status'))
    .description('show where the monolith, the log and each service are, and what WAL the slot keeps')
    .action((flags: SharedFlags) => run(flags, async (context) => await status(context, flags)))
}

async function status(context: VerbContext, flags: SharedFlags): Promise<VerbExitCode> {
  const configuration = await context.configureMonolith('all')
  const { createLagReader } = await import('../../consumers/lag/lag-reader.ts')
  const { withLagSources } = await import('./standing.ts')
  const { prefix, set } = configuration
  const report: StatusReport = {
    contractSet: set.name,
    prefix,
    ...(await withLagSources(configuration, 'status', async (sources) => await createLagReader(sources)())),
  }
  printResult(context, flags, report, statusText(report, tableDisplayOf(context.world)))
  return noteProblems(context, report) ?? 0
}

/** What a person reads of it. */
export function statusText({ monolith, services }: StatusReport, display: TableDisplay): string {
  const { columns } = display
  const slot = monolith === null ? [] : [slotSentence(monolith, columns)]
  const known = services.filter(isKnown)
  const said = [
    ...parkedSentences(known, columns),
    ...replaySentences(known, columns),
    ...errorSentences(known, columns),
  ]
  return [lagTable(services, display), ...said, ...slot].join('\n\n')
}
