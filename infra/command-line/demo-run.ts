import { Failure } from '../../contracts/failure.ts'
import type { ContractSet } from '../../contracts/language/contract-set.ts'
import type { MonolithConfiguration } from '../configuration/configuration.ts'
import { loadContracts } from '../configuration/contract-module.ts'
import { type GeneratedMonolith, generateMonolith, type MonolithEvent } from '../demo/monolith/generate-monolith.ts'
import { sizesFor } from '../demo/monolith/sizes.ts'
import { runPreflight } from '../preflight/run-preflight.ts'
import { prepare } from '../prepare/prepare.ts'
import type { VerifyReport } from '../verify/report.ts'
import { demoReport, demoText } from './demo-report.ts'
import { createDemoDatabases, type DemoServers, startDemoServers, stopDemoServers } from './demo-servers.ts'
import { type FollowedLive, followLive, verifyAll } from './demo-live.ts'
import { demoAddress, requireFreeAddress, withDemoPage } from './demo-serve.ts'
import type { DemoFlags } from './demo.ts'
import { bytesText, counted, countText } from './quantities.ts'
import { openSteps, type Steps } from './steps.ts'
import { displayOf } from './terminal.ts'
import { printResult, type VerbContext, type VerbExitCode } from './verb.ts'

/** Makes a monolith on private servers, splits it and proves the result; the servers are gone afterwards in any case. */
export async function demo(context: VerbContext, flags: DemoFlags): Promise<VerbExitCode> {
  const { output, signal, world } = context
  const startedAt = Date.now()
  // What was asked for is judged before servers are started for it.
  sizesFor(flags)
  const address = demoAddress(flags.serve)
  if (address !== null) await requireFreeAddress(address)
  const contracts = await loadContracts(world.defaultContracts)
  if ('mistake' in contracts) throw new Failure(1, contracts.mistake)
  const steps = openSteps(world, output)
  context.busyWith('the servers')
  const servers = await steps.run(
    'servers',
    async () => await startDemoServers(signal, (sentence) => output.note(sentence)),
    ({ postgres, nats }) => `PostgreSQL ${postgres.version} and NATS ${nats.version}`,
  )
  try {
    const configuration = await prepareSplit(context, steps, servers, contracts.set, flags)
    return await withDemoPage(context, configuration, { address, seed: flags.seed }, async () => {
      const outcome = await split(context, steps, configuration, flags)
      const seconds = (Date.now() - startedAt) / 1000
      const { elements, seed } = flags
      const report = demoReport({ elements, seed, ...outcome, seconds, steps: steps.seconds })
      if (flags.json !== true) output.note('')
      printResult(context, flags, report, demoText(report, displayOf(world.stdout, world.environment)))
      return report.verified ? 0 : 3
    })
  } finally {
    await stopDemoServers(servers)
  }
}

interface DemoOutcome extends FollowedLive {
  readonly verification: VerifyReport
}

async function prepareSplit(
  context: VerbContext,
  steps: Steps,
  servers: DemoServers,
  set: ContractSet,
  flags: DemoFlags,
): Promise<MonolithConfiguration> {
  const { busyWith, signal } = context
  const configuration = await createDemoDatabases(servers, set)
  const { url } = configuration.monolith
  busyWith('the making of the monolith')
  await steps.run('monolith', async (tell) => await generateMonolith(url, flags, tellRows(tell, signal)), monolithText)
  signal.throwIfAborted()
  busyWith('the preparation')
  const unhindered = (): string => 'nothing is in the way'
  await steps.run('preflight', async () => await passPreflight(configuration), unhindered)
  const onStep = (): void => signal.throwIfAborted()
  await steps.run(
    'prepare',
    async () => await prepare(configuration, { withSlot: true, dryRun: false, onStep }),
    () => `${counted(set.services.length, 'stream')}, ${counted(set.services.length, 'database')}`,
  )
  return configuration
}

async function split(
  context: VerbContext,
  steps: Steps,
  configuration: MonolithConfiguration,
  flags: DemoFlags,
): Promise<DemoOutcome> {
  const { busyWith, signal } = context
  busyWith('the pages and changes that are on their way')
  const followed = await followLive(context, steps, configuration, flags)
  busyWith('the tables that are being read')
  const verification = await verifyAll(steps, 'verify', configuration, signal)
  return { ...followed, verification }
}

function monolithText({ bytes, rows }: GeneratedMonolith): string {
  const count = Object.values(rows).reduce((sum, number) => sum + number, 0)
  return `${counted(count, 'row')} in ${counted(Object.keys(rows).length, 'table')}, ${bytesText(bytes)}`
}

/** Tells how far the making is; an interruption ends it with the rows that are being stored. */
function tellRows(tell: (detail: string) => void, signal: AbortSignal): (event: MonolithEvent) => void {
  let total = 0
  let complete = 0
  return (event) => {
    signal.throwIfAborted()
    if (event.kind === 'started') total = event.totalRows
    if (event.kind === 'rows complete') tell('keys and indexes …')
    if (event.kind === 'keys created') tell('foreign keys …')
    if (event.kind !== 'rows stored') return
    tell(`${countText(complete + event.rows)} of ${countText(total)} rows`)
    if (event.rows === event.tableRows) complete += event.rows
  }
}

async function passPreflight(configuration: MonolithConfiguration): Promise<void> {
  const findings = await runPreflight(configuration, { withSlot: true })
  const errors = findings.filter(({ severity }) => severity === 'error')
  if (errors.length === 0) return
  throw new Failure(4, errors.map(({ subject, problem }) => `${subject}: ${problem}`).join('\n'))
}
