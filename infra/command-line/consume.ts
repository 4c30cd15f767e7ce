import type { ConsumeOutcome } from '../../consumers/events.ts'
import { Failure } from '../../contracts/failure.ts'
import type { Configuration } from '../configuration/configuration.ts'
import type { ConsumeTogetherOptions } from './consume-together.ts'
import { connectionsFlag, maxOutageOption } from './flags.ts'
import { openProgress } from './progress.ts'
import { besideLagServer, type ServeFlags, withServeFlags } from './serve.ts'
import { bytesText, counted, countText, durationText } from './quantities.ts'
import { tableText } from './tables.ts'
import {
  type AddVerb,
  printResult,
  type SharedFlags,
  type VerbContext,
  type VerbExitCode,
  withSharedFlags,
} from './verb.ts'

interface ConsumeFlags extends SharedFlags, ServeFlags {
  readonly all?: true
  readonly untilCaughtUp?: true
  readonly loaders?: number
  readonly maxOutage: number
}

export const addConsume: AddVerb = (program, run) => {
  const command = program.command('consume').argument('[service...]', 'the services whose databases are filled')
  withServeFlags(withSharedFlags(command))
    .description("apply the log to the services' databases")
    .option('--all', 'all services of the contract set')
    .option('--until-caught-up', 'end when all that the log holds is applied, indexes and foreign keys included')
    .option('--loaders <number>', 'sessions that load one service at the same time', connectionsFlag)
    .addOption(maxOutageOption('how long to wait for a server that is away, or for a log that does not grow'))
    .action((services: string[], flags: ConsumeFlags) =>
      run(flags, async (context) => await consume(context, services, flags)),
    )
}

async function consume(context: VerbContext, services: readonly string[], flags: ConsumeFlags): Promise<VerbExitCode> {
  const configuration = await context.configure(wantedServices(services, flags.all === true))
  return await besideLagServer(context, flags, 'consume', () => consumeConfigured(context, flags, configuration))
}

async function consumeConfigured(
  context: VerbContext,
  flags: ConsumeFlags,
  configuration: Configuration,
): Promise<VerbExitCode> {
  const { consumeTogether } = await import('./consume-together.ts')
  context.busyWith('the pages that are on their way into the tables')
  const progress = openProgress(
    context,
    configuration.services.map(({ service }) => service),
    'consume',
  )
  const startedAt = Date.now()
  try {
    const outcomes = await consumeTogether(configuration, optionsOf(configuration, flags, context.signal), progress)
    progress.end()
    const seconds = (Date.now() - startedAt) / 1000
    printResult(context, flags, { services: outcomes, seconds }, consumeText(outcomes, seconds))
    return 0
  } finally {
    progress.end()
  }
}

function wantedServices(services: readonly string[], all: boolean): 'all' | readonly string[] {
  if (all && services.length > 0) throw new Failure(2, 'Name services or give --all, not both.')
  if (!all && services.length === 0) throw new Failure(2, 'Which services? Name them, or give --all.')
  return all ? 'all' : services
}

function optionsOf(configuration: Configuration, flags: ConsumeFlags, signal: AbortSignal): ConsumeTogetherOptions {
  return {
    untilCaughtUp: flags.untilCaughtUp === true,
    loaders: flags.loaders ?? configuration.loaders,
    maxWaitMs: flags.maxOutage,
    signal,
  }
}

/** What a person reads when services are caught up. */
export function consumeText(outcomes: readonly ConsumeOutcome[], seconds: number): string {
  const rows = outcomes.reduce((sum, outcome) => sum + outcome.rows, 0)
  return [
    tableText(
      [
        { title: 'service', align: 'left' },
        { title: 'tables', align: 'right' },
        { title: 'rows', align: 'right' },
        { title: 'loaded now', align: 'right' },
        { title: 'time', align: 'right' },
      ],
      outcomes.map((outcome) => [
        outcome.service,
        String(outcome.tables),
        countText(outcome.rows),
        bytesText(outcome.loadedBytes),
        durationText(outcome.seconds),
      ]),
    ),
    '',
    `${counted(outcomes.length, 'service')} caught up, with ${counted(rows, 'row')}, in ${durationText(seconds)}.`,
  ].join('\n')
}
