import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { openBackupProgress } from './backup-progress.ts'
import { backupText } from './backup-text.ts'
import { connectionsFlag } from './flags.ts'
import { displayOf } from './terminal.ts'
import {
  type AddVerb,
  printResult,
  type SharedFlags,
  type VerbContext,
  type VerbExitCode,
  withSharedFlags,
} from './verb.ts'

interface BackupFlags extends SharedFlags {
  readonly out: string
  readonly prove?: true
  readonly jobs: number
}

/** More sessions than these are for the operator to allow: the monolith is at work meanwhile. */
const MOST_JOBS_UNASKED = 4
const LEAST_JOBS_UNASKED = 2
const DEFAULT_JOBS = Math.min(MOST_JOBS_UNASKED, Math.max(LEAST_JOBS_UNASKED, availableParallelism()))

export const addBackup: AddVerb = (program, run) => {
  withSharedFlags(program.command('backup'))
    .description('dump the whole monolith as of one point in time, read the dump back, and prove it')
    .requiredOption('--out <folder>', 'the folder to make, which must not exist')
    .option('--prove', 'restore the dump into a private server, and compare every table')
    .option('--jobs <number>', 'sessions that read the monolith at the same time', connectionsFlag, DEFAULT_JOBS)
    .action((flags: BackupFlags) => run(flags, async (context) => await backup(context, flags)))
}

async function backup(context: VerbContext, flags: BackupFlags): Promise<VerbExitCode> {
  const { world, signal, output } = context
  const { environment, folder, defaultContracts } = world
  const { readBackupTarget } = await import('../backup/read-target.ts')
  const request = { environment, folder, configFile: flags.config ?? null, defaultContracts }
  const monolith = await readBackupTarget(request)
  const { backUp } = await import('../backup/backup.ts')
  context.busyWith('pg_dump and the private server')
  const progress = openBackupProgress(world, output)
  try {
    const outcome = await backUp(
      {
        monolith,
        folder: resolve(folder, flags.out),
        prove: flags.prove === true,
        jobs: flags.jobs,
        environment,
        signal,
      },
      (event) => progress.report(event),
    )
    const { colours, columns } = displayOf(world.stdout, environment)
    printResult(context, flags, outcome, backupText(outcome, colours, columns))
    return outcome.differences.length === 0 ? 0 : 3
  } finally {
    progress.end()
  }
}
