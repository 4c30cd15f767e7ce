import type { CancelledStep } from '../cancel/step.ts'
import type { MonolithConfiguration } from '../configuration/configuration.ts'
import { confirm, typedName } from './confirmation.ts'
import { doneText, plannedText, stepCount, stepsLeft } from './steps-text.ts'
import {
  type AddVerb,
  printResult,
  type SharedFlags,
  type VerbContext,
  type VerbExitCode,
  withSharedFlags,
} from './verb.ts'

interface CancelFlags extends SharedFlags {
  readonly withLog?: true
  readonly withServices?: true
  readonly dryRun?: true
  readonly yes?: true
}

export const addCancel: AddVerb = (program, run) => {
  withSharedFlags(program.command('cancel'))
    .description('put the monolith back as it was before prepare: no slot, no publication, its own replica identities')
    .option('--with-log', 'delete the streams too; no service can be built from them any more')
    .option('--with-services', "drop what prepare made in the services' databases too, with its rows")
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--yes', 'destroy without asking')
    .action((flags: CancelFlags) => run(flags, async (context) => await cancel(context, flags)))
}

async function cancel(context: VerbContext, flags: CancelFlags): Promise<VerbExitCode> {
  const destroys = flags.withLog === true || flags.withServices === true
  const configuration = await context.configureMonolith(destroys ? 'all' : [])
  context.busyWith('the step that is under way')
  if (flags.dryRun === true) return printPlan(context, flags, await carryOut(context, configuration, flags, true))
  if (destroys && flags.yes !== true) await confirmDestruction(context, configuration, flags)
  const steps = await carryOut(context, configuration, flags, false)
  printResult(context, flags, { dryRun: false, steps }, `${doneText(steps)}\n\nCancelled.`)
  return 0
}

async function confirmDestruction(
  context: VerbContext,
  configuration: MonolithConfiguration,
  flags: CancelFlags,
): Promise<void> {
  const planned = await carryOut(context, configuration, flags, true)
  context.output.note(plannedText(planned))
  const places = [
    ...(flags.withLog === true ? ['the log'] : []),
    ...(flags.withServices === true ? ["the services' tables"] : []),
  ]
  const what = `cancel would delete ${places.join(' and ')} of ${configuration.prefix} (${stepCount(planned)})`
  await confirm(context.world, typedName(what, configuration.prefix), context.signal)
}

function printPlan(context: VerbContext, flags: CancelFlags, steps: readonly CancelledStep[]): 0 {
  const left = stepsLeft(steps)
  const text =
    left === 0
      ? 'There is nothing to cancel.'
      : `${plannedText(steps)}\n\n${stepCount(steps)} to take: nothing was done.`
  printResult(context, flags, { dryRun: true, steps }, text)
  return 0
}

/** An interruption is heeded between two steps: each is done or not, and the next run goes on from there. */
async function carryOut(
  { output, signal }: VerbContext,
  configuration: MonolithConfiguration,
  { withLog, withServices }: CancelFlags,
  dryRun: boolean,
): Promise<CancelledStep[]> {
  const { cancel: cancelAll } = await import('../cancel/cancel.ts')
  return await cancelAll(configuration, {
    withLog: withLog === true,
    withServices: withServices === true,
    dryRun,
    onStep: ({ subject, action }) => {
      output.note(`${subject}: ${action}`)
      signal.throwIfAborted()
    },
  })
}
