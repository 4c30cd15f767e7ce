import type { MonolithConfiguration } from '../configuration/configuration.ts'
import type { PreparedStep } from '../prepare/step.ts'
import { confirm, yesOrNo } from './confirmation.ts'
import { doneText, plannedText, stepCount, stepsLeft } from './steps-text.ts'
import {
  type AddVerb,
  printResult,
  type SharedFlags,
  type VerbContext,
  type VerbExitCode,
  withSharedFlags,
} from './verb.ts'

interface PrepareFlags extends SharedFlags {
  readonly slot: boolean
  readonly dryRun?: true
  readonly yes?: true
}

export const addPrepare: AddVerb = (program, run) => {
  withSharedFlags(program.command('prepare'))
    .description("create the streams, the services' tables, and what the monolith needs to be followed")
    .option('--no-slot', 'for a planned downtime: the monolith itself is not touched')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--yes', 'do it without asking')
    .action((flags: PrepareFlags) => run(flags, async (context) => await prepare(context, flags)))
}

async function prepare(context: VerbContext, flags: PrepareFlags): Promise<VerbExitCode> {
  const configuration = await context.configureMonolith('all')
  context.busyWith('the step that is under way')
  if (flags.dryRun === true || flags.yes !== true) {
    const planned = await carryOut(context, configuration, flags, true)
    if (flags.dryRun === true || stepsLeft(planned) === 0) return printPlan(context, flags, planned)
    context.output.note(plannedText(planned))
    await confirm(context.world, yesOrNo(`prepare would take ${stepCount(planned)}`), context.signal)
  }
  const steps = await carryOut(context, configuration, flags, false)
  printResult(context, flags, { dryRun: false, steps }, `${doneText(steps)}\n\nPrepared: publish may begin.`)
  return 0
}

function printPlan(context: VerbContext, flags: PrepareFlags, steps: readonly PreparedStep[]): 0 {
  const isDone = stepsLeft(steps) === 0
  const text = isDone
    ? 'All is prepared already: nothing was done.'
    : `${plannedText(steps)}\n\n${stepCount(steps)} to take: nothing was done.`
  printResult(context, flags, { dryRun: flags.dryRun === true, steps }, text)
  return 0
}

/** An interruption is heeded between two steps: each is done or not, and the next run goes on from there. */
async function carryOut(
  { output, signal }: VerbContext,
  configuration: MonolithConfiguration,
  flags: PrepareFlags,
  dryRun: boolean,
): Promise<PreparedStep[]> {
  const { prepare: prepareAll } = await import('../prepare/prepare.ts')
  return await prepareAll(configuration, {
    withSlot: flags.slot,
    dryRun,
    onStep: ({ subject, action }) => {
      output.note(`${subject}: ${action}`)
      signal.throwIfAborted()
    },
  })
}
