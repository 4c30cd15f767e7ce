import type { ServiceLag } from '../../consumers/lag/service-lag.ts'
import type { MonolithStanding } from '../following/monolith-standing.ts'
import { lagTable, parkedSentences, slotSentence, type TableDisplay, tableDisplayOf } from './lag-text.ts'
import {
  type AddVerb,
  printResult,
  type SharedFlags,
  type VerbContext,
  type VerbExitCode,
  withSharedFlags,
} from './verb.ts'

export interface StatusReport {
  readonly contractSet: string
  readonly prefix: string
  readonly monolith: MonolithStanding
  readonly services: readonly ServiceLag[]
}

export const addStatus: AddVerb = (program, run) => {
  withSharedFlags(program.command('status'))
    .description('show where the monolith, the log and each service are, and what WAL the slot keeps')
    .action((flags: SharedFlags) => run(flags, async (context) => await status(context, flags)))
}

async function status(context: VerbContext, flags: SharedFlags): Promise<VerbExitCode> {
  const configuration = await context.configureMonolith('all')
  const { readServiceLag } = await import('../../consumers/lag/service-lag.ts')
  const { readMonolithStanding } = await import('../following/monolith-standing.ts')
  const { withLagSources } = await import('./standing.ts')
  const { monolith, prefix, set } = configuration
  const report: StatusReport = {
    contractSet: set.name,
    prefix,
    monolith: await readMonolithStanding(monolith, prefix),
    services: await withLagSources(
      configuration,
      'status',
      async (sources) => await Promise.all(sources.map(readServiceLag)),
    ),
  }
  printResult(context, flags, report, statusText(report, tableDisplayOf(context.world)))
  return 0
}

/** What a person reads of it. */
export function statusText({ monolith, services }: StatusReport, display: TableDisplay): string {
  const { columns } = display
  return [lagTable(services, display), ...parkedSentences(services, columns), slotSentence(monolith, columns)].join(
    '\n\n',
  )
}
