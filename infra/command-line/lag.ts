import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Option } from 'commander'
import type { LagSources } from '../../consumers/lag/lag-reader.ts'
import { isKnown, type LagReport } from '../../consumers/lag/lag-report.ts'
import type { ServeAddress } from '../../consumers/lag/serve/access.ts'
import type { ServiceLag } from '../../consumers/lag/service-lag.ts'
import { Failure } from '../../contracts/failure.ts'
import type { MonolithConfiguration } from '../configuration/configuration.ts'
import { durationFlag } from './flags.ts'
import { lagLine } from './lag-line.ts'
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
import { refuseIdleToken, tokenFor, withLagServer } from './serve.ts'
import { DEFAULT_ADDRESS, serveAddressFlag } from './serve-address.ts'
import {
  type AddVerb,
  printResult,
  type SharedFlags,
  type VerbContext,
  type VerbExitCode,
  withSharedFlags,
} from './verb.ts'

interface LagFlags extends SharedFlags {
  readonly maxLag?: number
  readonly wait?: number
  readonly follow?: true
  readonly serve?: ServeAddress | true
  readonly tokenFile?: string
  readonly watch?: true
}

export const addLag: AddVerb = (program, run) => {
  withSharedFlags(program.command('lag').argument('[service...]', 'the services to look at; all where none is named'))
    .description('show how far each service is behind the log, and wait until none is')
    .option('--max-lag <duration>', 'end with 5 where a service is behind by more; 0s: by anything', durationFlag)
    .option('--wait <duration>', 'wait for so long until none is behind by more than --max-lag', durationFlag)
    .addOption(
      new Option('--serve [address]', `show it on a page, and to Prometheus, until it is interrupted`).argParser(
        serveAddressFlag,
      ),
    )
    .option('--token-file <file>', 'the token that --serve asks for, in place of SCISSION_TOKEN')
    .option('--follow', 'a line a second, until it is interrupted; with --json the whole object in each')
    .option('--watch', 'the whole terminal, drawn again each second; ? helps, q quits')
    .action((services: string[], flags: LagFlags) => run(flags, async (context) => await lag(context, services, flags)))
}

const FOLLOW_MS = 1_000

async function lag(context: VerbContext, names: readonly string[], flags: LagFlags): Promise<VerbExitCode> {
  const { maxLag: maxLagMs, wait: waitMs = 0 } = flags
  refuseContradictions(flags)
  if (flags.watch === true) return await watch(context, names)
  const configuration = await context.configureMonolith(names.length === 0 ? 'all' : names)
  if (flags.serve !== undefined) return await serve(context, flags, configuration)
  const { createLagReader } = await import('../../consumers/lag/lag-reader.ts')
  const { untilApplied } = await import('../../consumers/lag/until-applied.ts')
  const { withLagSources } = await import('./standing.ts')
  const { signal } = context
  if (flags.follow === true)
    return await withLagSources(configuration, 'lag', async (sources) => await follow(context, flags, sources))
  const { met, ...report } = await withLagSources(configuration, 'lag', async (sources) =>
    maxLagMs === undefined
      ? { ...(await createLagReader(sources)()), met: true }
      : await untilApplied({ sources, maxLagMs, waitMs, signal }),
  )
  const display = tableDisplayOf(context.world)
  printResult(context, flags, { met, ...report }, lagText(report, met, display))
  const refused = noteProblems(context, report)
  if (refused !== null) return refused
  if (!met) context.output.note(unmetNote(report.services.filter(isKnown)))
  return met ? 0 : 5
}

async function watch(context: VerbContext, names: readonly string[]): Promise<VerbExitCode> {
  const { requireTerminal, watchLag } = await import('./watch-lag.ts')
  requireTerminal(context)
  return await watchLag(context, await context.configureMonolith(names.length === 0 ? 'all' : names))
}

/** @throws Failure 2 where flags do not go together. */
function refuseContradictions(flags: LagFlags): void {
  const { follow: isFollowed = false, json = false, maxLag, serve: address, wait, watch: isWatched = false } = flags
  if (wait !== undefined && maxLag === undefined)
    throw new Failure(2, 'What shall be waited for? Give --max-lag with --wait, such as --max-lag 0s.')
  if (isFollowed && maxLag !== undefined)
    throw new Failure(2, 'lag --follow goes on for ever, and --max-lag ends: give one of the two.')
  if (isWatched && (isFollowed || json || maxLag !== undefined || address !== undefined))
    throw new Failure(2, 'lag --watch is for the eye alone: give it without --follow, --serve, --json and --max-lag.')
  if (address !== undefined && (isFollowed || maxLag !== undefined))
    throw new Failure(2, 'lag --serve shows all until it is interrupted: give it without --follow and --max-lag.')
  refuseIdleToken(flags)
}

/** What is in the way is said once, and again when something else is. */
async function follow(context: VerbContext, flags: LagFlags, sources: LagSources): Promise<VerbExitCode> {
  const { createLagReader } = await import('../../consumers/lag/lag-reader.ts')
  const readReport = createLagReader(sources)
  const { signal } = context
  for (let said = ''; ;) {
    const dueAt = Date.now() + FOLLOW_MS
    const report = await readReport()
    signal.throwIfAborted()
    printResult(context, flags, report, lagLine(report, new Date()))
    const inTheWay = report.problems.map(({ sentence }) => sentence).join('\n')
    if (inTheWay !== said) noteProblems(context, report)
    said = inTheWay
    await delay(Math.max(0, dueAt - Date.now()), undefined, { signal })
  }
}

async function serve(
  context: VerbContext,
  flags: LagFlags,
  configuration: MonolithConfiguration,
): Promise<VerbExitCode> {
  const address = flags.serve === undefined || flags.serve === true ? DEFAULT_ADDRESS : flags.serve
  const token = await tokenFor(context, address, flags, configuration)
  context.busyWith('the pages that are open')
  return await withLagServer(context, { address, configuration, token, verb: 'lag' }, async ({ url }) => {
    printResult(context, flags, { url }, `Lag is shown at ${url}`)
    await untilAborted(context.signal)
    return 0 as const
  })
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}

/** What a person reads of it. */
export function lagText({ monolith, services }: LagReport, met: boolean, display: TableDisplay): string {
  const unmet = met ? [] : ['Not all are as near to the monolith as was asked for.']
  const { columns } = display
  const unfollowed = monolith === null || monolith.slot?.isFollowed === true ? [] : [slotSentence(monolith, columns)]
  const known = services.filter(isKnown)
  const parked = [...parkedSentences(known, columns), ...replaySentences(known, columns)]
  const errors = errorSentences(known, columns)
  return [lagTable(services, display), ...parked, ...errors, ...unfollowed, ...unmet].join('\n\n')
}

/** Waiting alone helps where publish and consume run, and nothing is parked. */
function unmetNote(services: readonly ServiceLag[]): string {
  const parked = services.find((each) => each.parked > 0)
  return parked === undefined
    ? 'scission: A service is behind by more than --max-lag: see that publish and consume run.'
    : `scission: Service ${parked.service} is behind by what is parked: see parked list.`
}
