import type { PostgresTarget } from '../postgres/session.ts'
import { numberFlag } from './flags.ts'
import { openProgress } from './progress.ts'
import { displayOf } from './terminal.ts'
import {
  type AddVerb,
  printResult,
  type SharedFlags,
  type VerbContext,
  type VerbExitCode,
  withSharedFlags,
} from './verb.ts'
import { verifyText } from './verify-text.ts'

interface VerifyFlags extends SharedFlags {
  readonly limit: number
}

const DEFAULT_LIMIT = 10

/** A person reads no more, and the report stays a size that can be filed. */
const MAX_LIMIT = 10_000

export const addVerify: AddVerb = (program, run) => {
  withSharedFlags(program.command('verify').argument('[service...]', 'the services to verify; all where none is named'))
    .description('prove that the services hold what the monolith held: counts, digests, indexes, foreign keys')
    .option(
      '--limit <number>',
      'how many rows that differ are named, for each table',
      (text) => numberFlag(text, 0, MAX_LIMIT),
      DEFAULT_LIMIT,
    )
    .action((services: string[], flags: VerifyFlags) =>
      run(flags, async (context) => await verify(context, services, flags)),
    )
}

async function verify(context: VerbContext, services: readonly string[], flags: VerifyFlags): Promise<VerbExitCode> {
  const names = services.length === 0 ? 'all' : services
  const configuration = await context.configure(names)
  const { verify: verifyServices } = await import('../verify/verify.ts')
  context.busyWith('the tables that are being read')
  const progress = openProgress(
    context,
    configuration.services.map(({ service }) => service),
    'verify',
  )
  try {
    const { signal, world } = context
    const monolith = async (): Promise<PostgresTarget> => (await context.configureMonolith(names)).monolith
    const report = await verifyServices({ ...configuration, monolith }, { limit: flags.limit, signal }, (event) =>
      progress.verify(event),
    )
    progress.end()
    const { colours, columns } = displayOf(world.stdout, world.environment)
    printResult(context, flags, report, verifyText(report, colours, columns))
    return report.verified ? 0 : 3
  } finally {
    progress.end()
  }
}
