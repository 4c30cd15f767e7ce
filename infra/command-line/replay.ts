import type { Replaying } from '../../consumers/replay/fill-copy.ts'
import type { ReplayEvent, StepDone } from '../../consumers/replay/events.ts'
import { Failure } from '../../contracts/failure.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import type { Configuration, ServiceTarget } from '../configuration/configuration.ts'
import type { PostgresTarget } from '../postgres/session.ts'
import { connectionsFlag, maxOutageOption, numberFlag } from './flags.ts'
import { openProgress, type Progress } from './progress.ts'
import { dryRunText, intoText, replayedText } from './replay-text.ts'
import { displayOf } from './terminal.ts'
import {
  type AddVerb,
  printResult,
  type SharedFlags,
  type VerbContext,
  type VerbExitCode,
  withSharedFlags,
} from './verb.ts'

interface ReplayFlags extends SharedFlags {
  readonly into?: string
  readonly dryRun?: true
  readonly until?: string
  readonly entity?: string
  /** False for `--no-swap`. */
  readonly swap: boolean
  readonly merge?: true
  readonly overwrite?: true
  readonly restart?: true
  readonly discard?: true
  readonly loaders?: number
  readonly limit: number
  readonly maxOutage: number
}

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 10_000

export const addReplay: AddVerb = (program, run) => {
  const command = program.command('replay').argument('<service>', 'the service, or its subject such as shop.sales.>')
  withSharedFlags(command)
    .description("rebuild a service's tables from its log, prove them, and swap them in")
    .option('--entity <entity>', 'one table, up to exactly where the service stands')
    .option('--no-swap', 'keep the new tables beside those in use: the next replay goes on from there')
    .option('--merge', 'change the rows that differ, and leave the tables: where views rest on them')
    .option('--overwrite', 'swap also where tables differ from the log: what the service wrote itself is lost')
    .option('--restart', 'forget what an unfinished replay has done')
    .option('--discard', 'remove what an unfinished replay has left, and do nothing else')
    .option('--into <url>', 'rebuild it in another database; the password belongs into PGPASSWORD or the password file')
    .option('--dry-run', 'rebuild it in a scratch database, print how the tables in use differ, and drop it')
    .option('--until <point>', 'as it was: a time, an LSN, or a marker (with --into or --dry-run)')
    .option('--loaders <number>', 'sessions that load, build and compare at the same time', connectionsFlag)
    .option(
      '--limit <number>',
      'how many rows that differ are named, for each table',
      (text) => numberFlag(text, 0, MAX_LIMIT),
      DEFAULT_LIMIT,
    )
    .addOption(maxOutageOption('how long to wait for a server that is away, or for a log that does not grow'))
    .action((service: string, flags: ReplayFlags) =>
      run(flags, async (context) => await replay(context, service, flags)),
    )
}

async function replay(context: VerbContext, given: string, flags: ReplayFlags): Promise<VerbExitCode> {
  refuseContradictions(flags)
  const name = serviceOf(given)
  const configuration = await context.configure([name])
  const [target] = configuration.services
  if (target === undefined) throw new Error('The configuration has the service that was asked for')
  assertPrefix(given, configuration.prefix)
  context.busyWith('the rows that are on their way into the new tables')
  const progress = openProgress(context, [shownOf(target.service, flags)], 'replay')
  try {
    return await replayTarget(context, flags, { configuration, target, progress, steps: [] })
  } catch (error) {
    const { inWordsOfReplay } = await import('../../consumers/replay/fill-copy.ts')
    throw inWordsOfReplay(error)
  } finally {
    progress.end()
  }
}

/** A service with the tables that are rebuilt. */
function shownOf(service: Service, { entity }: ReplayFlags): Service {
  const entities = service.entities.filter(({ name }) => name === entity)
  return entities.length === 0 ? service : { ...service, entities }
}

interface Target {
  readonly configuration: Configuration
  readonly target: ServiceTarget
  readonly progress: Progress
  /** What is done so far, for whoever reads the result by a program. */
  readonly steps: Pick<StepDone, 'step' | 'seconds'>[]
}

async function replayTarget(context: VerbContext, flags: ReplayFlags, of: Target): Promise<VerbExitCode> {
  const { target } = of
  const replaying = await replayingOf(context, flags, of)
  if (flags.discard === true) return await discard(context, flags, of, replaying)
  if (flags.into !== undefined) return await into(context, flags, of, replaying)
  if (flags.dryRun === true) return await dryRun(context, flags, of, replaying)
  const { replayService } = await import('../../consumers/replay/replay-service.ts')
  const outcome = await replayService(replaying, target, optionsOf(flags))
  of.progress.end()
  printResult(
    context,
    flags,
    { ...outcome, steps: of.steps },
    replayedText(outcome, displayOf(context.world.stdout, context.world.environment)),
  )
  return outcome.ending === 'different' ? 3 : 0
}

function optionsOf({ entity, limit, merge, overwrite, restart, swap }: ReplayFlags) {
  const ending = merge === true ? ('merge' as const) : swap ? ('swap' as const) : ('keep' as const)
  return { entity: entity ?? null, ending, overwrite: overwrite === true, restart: restart === true, limit }
}

async function discard(
  context: VerbContext,
  flags: ReplayFlags,
  { progress, target }: Target,
  replaying: Replaying,
): Promise<VerbExitCode> {
  const { discardReplay } = await import('../../consumers/replay/begin-replay.ts')
  const { shadowReplay } = await import('../../consumers/replay/replay-service.ts')
  const { name } = target.service
  const discarded = await discardReplay(shadowReplay(replaying, target, optionsOf(flags)))
  progress.end()
  const text = discarded
    ? `What the unfinished replay of service ${name} had made is removed; the tables in use stay.`
    : `No replay of service ${name} was unfinished: nothing was changed.`
  printResult(context, flags, { service: name, discarded }, text)
  return 0
}

async function into(
  context: VerbContext,
  flags: ReplayFlags,
  { progress, steps, target }: Target,
  replaying: Replaying,
): Promise<VerbExitCode> {
  const { rebuildInto } = await import('../../consumers/replay/rebuild-elsewhere.ts')
  const { service } = target
  const database = elsewhere(flags.into ?? '', target)
  const outcome = await rebuildInto(replaying, { service, database }, await pointOf(flags))
  progress.end()
  const text = intoText(outcome, displayOf(context.world.stdout, context.world.environment))
  printResult(context, flags, { ...outcome, steps }, text)
  return 0
}

async function dryRun(
  context: VerbContext,
  flags: ReplayFlags,
  { progress, steps, target }: Target,
  replaying: Replaying,
): Promise<VerbExitCode> {
  const elsewhereModule = await import('../../consumers/replay/rebuild-elsewhere.ts')
  const outcome = await elsewhereModule.dryRun(replaying, target, { limit: flags.limit, until: await pointOf(flags) })
  progress.end()
  const text = dryRunText(outcome, displayOf(context.world.stdout, context.world.environment))
  printResult(context, flags, { ...outcome, steps }, text)
  return outcome.equal ? 0 : 3
}

async function replayingOf(context: VerbContext, flags: ReplayFlags, of: Target): Promise<Replaying> {
  const { CONSUMER_WINDOW_BYTES } = await import('../../consumers/consume.ts')
  const { createByteWindow } = await import('../byte-window.ts')
  const { configuration } = of
  const { nats, prefix, set } = configuration
  return {
    set,
    prefix,
    nats,
    window: createByteWindow(CONSUMER_WINDOW_BYTES),
    jobs: flags.loaders ?? configuration.loaders,
    maxWaitMs: flags.maxOutage,
    signal: context.signal,
    report: (event) => tell(of, event),
  }
}

function tell({ progress, steps }: Target, event: ReplayEvent): void {
  if (event.type === 'step-done') steps.push({ step: event.step, seconds: event.seconds })
  progress.replay(event)
}

async function pointOf({ until }: ReplayFlags) {
  if (until === undefined) return null
  const { parsePoint } = await import('../../consumers/replay/point.ts')
  return parsePoint(until)
}

/** @throws Failure 2. */
function refuseContradictions(flags: ReplayFlags): void {
  const elsewhereFlag = flags.into !== undefined ? '--into' : flags.dryRun === true ? '--dry-run' : null
  if (flags.into !== undefined && flags.dryRun === true)
    throw new Failure(2, 'Give --into or --dry-run, not both: a dry run makes a scratch database of its own.')
  if (flags.until !== undefined && elsewhereFlag === null)
    throw new Failure(
      2,
      '--until rebuilds a service as it was, which is not for the tables in use: give --into or --dry-run with it.',
    )
  const inPlace = [
    ['--entity', flags.entity !== undefined],
    ['--no-swap', !flags.swap],
    ['--merge', flags.merge === true],
    ['--overwrite', flags.overwrite === true],
    ['--restart', flags.restart === true],
    ['--discard', flags.discard === true],
  ] as const
  const [inPlaceFlag] = inPlace.find(([, isGiven]) => isGiven) ?? []
  if (inPlaceFlag !== undefined && elsewhereFlag !== null)
    throw new Failure(2, `Give ${inPlaceFlag} or ${elsewhereFlag}, not both: ${inPlaceFlag} is of the tables in use.`)
  if (!flags.swap && flags.merge === true)
    throw new Failure(2, 'Give --no-swap or --merge, not both: --no-swap leaves the tables in use as they are.')
  const [other] = inPlace.find(([name, isGiven]) => isGiven && name !== '--discard') ?? []
  if (flags.discard === true && other !== undefined)
    throw new Failure(
      2,
      `Give --discard alone, without ${other}: it removes an unfinished replay, and rebuilds nothing.`,
    )
}

/** A service's name, or that in a subject. */
function serviceOf(given: string): string {
  const parts = given.split('.')
  return parts.length === 3 && (parts[2] === '>' || parts[2] === '*') ? (parts[1] ?? given) : given
}

function assertPrefix(given: string, prefix: string): void {
  const [asked, ...rest] = given.split('.')
  if (rest.length === 0 || asked === prefix) return
  throw new Failure(2, `The subject ${given} is not of the prefix ${prefix}: correct it, or SCISSION_PREFIX.`)
}

/** @throws Failure 2 where it is none, has a password, which every process list would show, or is the service's own database. */
function elsewhere(url: string, { database, service }: ServiceTarget): PostgresTarget {
  const [parsed, own] = [URL.canParse(url) ? new URL(url) : null, new URL(database.url)]
  if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol) || parsed.pathname.length < 2)
    throw new Failure(
      2,
      '--into must be the URL of a PostgreSQL database, without its password, such as postgres://user@host:5432/database.',
    )
  if (parsed.password !== '' || parsed.searchParams.has('password'))
    throw new Failure(
      2,
      'The URL of --into has a password, which whoever lists processes would see: leave it out, and set PGPASSWORD, or use the password file (~/.pgpass).',
    )
  if (placeOf(parsed) === placeOf(own))
    throw new Failure(
      2,
      `--into leads to the database of service ${service.name} itself: give another one, or leave --into out to rebuild the tables in use.`,
    )
  return { title: `the database of --into`, variable: '--into', url }
}

function placeOf({ host, pathname, port }: URL): string {
  return `${host.replace(/:\d+$/, '')}:${port === '' ? '5432' : port}${pathname}`
}
