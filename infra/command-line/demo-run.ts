import type { ConsumeOutcome } from '../../consumers/events.ts'
import { Failure } from '../../contracts/failure.ts'
import type { ContractSet } from '../../contracts/language/contract-set.ts'
import type { PublishOutcome } from '../../publisher/events.ts'
import { PAGE_BYTES, publishSnapshot } from '../../publisher/publish-snapshot.ts'
import type { MonolithConfiguration } from '../configuration/configuration.ts'
import { loadContracts } from '../configuration/contract-module.ts'
import { type GeneratedMonolith, generateMonolith, type MonolithEvent } from '../demo/monolith/generate-monolith.ts'
import { sizesFor } from '../demo/monolith/sizes.ts'
import { runPreflight } from '../preflight/run-preflight.ts'
import { prepare } from '../prepare/prepare.ts'
import type { VerifyReport } from '../verify/report.ts'
import { verify } from '../verify/verify.ts'
import { consumeTogether } from './consume-together.ts'
import { demoReport, demoText } from './demo-report.ts'
import { createDemoDatabases, type DemoServers, startDemoServers, stopDemoServers } from './demo-servers.ts'
import type { DemoFlags } from './demo.ts'
import { MAX_OUTAGE_MS } from './flags.ts'
import { openProgress } from './progress.ts'
import { bytesText, counted, countText } from './quantities.ts'
import { openSteps, type Steps } from './steps.ts'
import { displayOf } from './terminal.ts'
import { printResult, type VerbContext, type VerbExitCode } from './verb.ts'

/** Rows that differ are an error of ours here, and a few of them tell which. */
const NAMED_ROWS = 5

/** Makes a monolith on private servers, splits it and proves the result; the servers are gone afterwards in any case. */
export async function demo(context: VerbContext, flags: DemoFlags): Promise<VerbExitCode> {
  const { output, signal, world } = context
  const startedAt = Date.now()
  // The sizes are judged before servers are started for them.
  sizesFor(flags)
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
    const outcome = await split(context, steps, servers, contracts.set, flags)
    const report = demoReport({
      elements: flags.elements,
      seed: flags.seed,
      ...outcome,
      seconds: (Date.now() - startedAt) / 1000,
      steps: steps.seconds,
    })
    if (flags.json !== true) output.note('')
    printResult(context, flags, report, demoText(report, displayOf(world.stdout, world.environment)))
    return report.verified ? 0 : 3
  } finally {
    await stopDemoServers(servers)
  }
}

type DemoOutcome = { readonly outcomes: readonly ConsumeOutcome[]; readonly verification: VerifyReport }

async function split(
  context: VerbContext,
  steps: Steps,
  servers: DemoServers,
  set: ContractSet,
  flags: DemoFlags,
): Promise<DemoOutcome> {
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
  busyWith('the pages that are on their way')
  const outcomes = await publishAndConsume(context, steps, configuration)
  busyWith('the tables that are being read')
  const verification = await verifyAll(steps, configuration, signal)
  return { outcomes, verification }
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

/** Both at once, as they would run in earnest: the services fill while the monolith is still being read. */
async function publishAndConsume(
  context: VerbContext,
  steps: Steps,
  configuration: MonolithConfiguration,
): Promise<ConsumeOutcome[]> {
  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  const progress = openProgress(context, configuration.set.services, 'split', { isBrief: true })
  const publishing = publishSnapshot(
    configuration,
    {
      withSlot: true,
      newEpoch: false,
      readers: configuration.readers,
      pageBytes: PAGE_BYTES,
      maxOutageMs: MAX_OUTAGE_MS,
      signal,
    },
    (event) => {
      if (event.type === 'snapshot-planned') progress.expect(event.entities)
      if (event.type === 'notice') context.output.note(event.text)
    },
  )
  const consuming = consumeTogether(
    configuration,
    { untilCaughtUp: true, loaders: configuration.loaders, maxWaitMs: MAX_OUTAGE_MS, signal },
    progress,
  )
  try {
    const [published, outcomes] = await Promise.all([publishing, consuming])
    progress.end()
    steps.done('publish', publishedText(published), published.seconds)
    const seconds = Math.max(...outcomes.map((outcome) => outcome.seconds))
    steps.done('consume', `${counted(outcomes.length, 'database')}, with their indexes`, seconds)
    return outcomes
  } catch (error) {
    // The one that failed first tells why; the other one ends before the servers do.
    stop.abort()
    await Promise.allSettled([publishing, consuming])
    throw error
  } finally {
    progress.end()
  }
}

function publishedText({ services }: PublishOutcome): string {
  const entities = services.flatMap((service) => service.entities)
  const rows = entities.reduce((sum, entity) => sum + entity.rows, 0)
  const pages = entities.reduce((sum, entity) => sum + entity.pages, 0)
  return `${counted(rows, 'row')} in ${counted(pages, 'page')}`
}

async function verifyAll(
  steps: Steps,
  configuration: MonolithConfiguration,
  signal: AbortSignal,
): Promise<VerifyReport> {
  const tables = configuration.set.services.reduce((sum, { entities }) => sum + entities.length, 0)
  let read = 0
  return await steps.run(
    'verify',
    async (tell) =>
      await verify(configuration, { limit: NAMED_ROWS, signal }, (event) => {
        if (event.type === 'table-read') tell(`${++read} of ${counted(tables, 'table')}`)
      }),
    ({ verified }) => (verified ? `${counted(tables, 'table')} equal in count and digest` : 'tables DIFFER'),
  )
}
