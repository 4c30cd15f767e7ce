import type { PublishOutcome } from '../../publisher/events.ts'
import { Failure } from '../../contracts/failure.ts'
import type { FollowWish } from '../../publisher/publish-snapshot.ts'
import type { MonolithConfiguration } from '../configuration/configuration.ts'
import { connectionsFlag, maxOutageOption, rateFlag } from './flags.ts'
import { openProgress } from './progress.ts'
import { besideLagServer, type ServeFlags, withServeFlags } from './serve.ts'
import { bytesText, countText, counted, durationText } from './quantities.ts'
import { slotRoomText } from './slot-room.ts'
import { tableText, wrappedText } from './tables.ts'
import { displayOf } from './terminal.ts'
import {
  type AddVerb,
  printResult,
  type SharedFlags,
  type VerbContext,
  type VerbExitCode,
  withSharedFlags,
} from './verb.ts'

interface PublishFlags extends SharedFlags, ServeFlags {
  readonly snapshotOnly?: true
  readonly untilMarker?: string
  readonly slot: boolean
  readonly newEpoch?: true
  readonly readers?: number
  readonly maxRate?: number
  readonly maxOutage: number
}

export const addPublish: AddVerb = (program, run) => {
  withServeFlags(withSharedFlags(program.command('publish')))
    .description("publish the monolith's rows into the log, as of one point in time, and every change after it")
    .option('--snapshot-only', 'publish the snapshot and end, without the changes after it')
    .option('--until-marker <name>', 'end when the changes before this marker are in the log')
    .option('--no-slot', 'keep no slot for later changes: for a planned downtime, with all writers stopped')
    .option('--new-epoch', 'begin anew, even where a snapshot is complete; services then load again')
    .option('--readers <number>', 'sessions that read the monolith at the same time', connectionsFlag)
    .option(
      '--max-rate <bytes>',
      'read no more of the monolith in a second, such as 20MB, with all readers together',
      rateFlag,
    )
    .addOption(maxOutageOption('how long to wait for a server that is away'))
    .action((flags: PublishFlags) => run(flags, (context) => publish(context, flags)))
}

async function publish(context: VerbContext, flags: PublishFlags): Promise<VerbExitCode> {
  refuseContradictions(flags)
  const configuration = await context.configureMonolith([])
  return await besideLagServer(context, flags, 'publish', () => publishConfigured(context, flags, configuration))
}

async function publishConfigured(
  context: VerbContext,
  flags: PublishFlags,
  configuration: MonolithConfiguration,
): Promise<VerbExitCode> {
  const { PAGE_BYTES, publishSnapshot } = await import('../../publisher/publish-snapshot.ts')
  const { createReadPace } = await import('../../publisher/read-pace.ts')
  const { chunkBytesAt } = await import('../../publisher/chunk-plan.ts')
  const maxRate = flags.maxRate ?? configuration.maxRate
  context.busyWith('the pages and changes that are on their way into the log')
  const follow = flags.snapshotOnly === true ? null : await followWish(configuration, flags, context)
  const progress = openProgress(context, configuration.set.services, 'publish')
  try {
    const outcome = await publishSnapshot(
      configuration,
      {
        withSlot: flags.slot,
        newEpoch: flags.newEpoch === true,
        readers: flags.readers ?? configuration.readers,
        ...(follow !== null && { follow }),
        ...(maxRate !== null && { pace: createReadPace(maxRate), chunkBytes: chunkBytesAt(maxRate) }),
        pageBytes: PAGE_BYTES,
        maxOutageMs: flags.maxOutage,
        signal: context.signal,
      },
      (event) => progress.publisher(event),
    )
    progress.end()
    const { columns } = displayOf(context.world.stdout, context.world.environment)
    printResult(context, flags, outcome, publishText(outcome, columns))
    return 0
  } finally {
    progress.end()
  }
}

function refuseContradictions({ slot, snapshotOnly, untilMarker }: PublishFlags): void {
  if (!slot && snapshotOnly !== true)
    throw new Failure(2, 'Without a slot nothing can be followed: add --snapshot-only to --no-slot.')
  if (snapshotOnly === true && untilMarker !== undefined)
    throw new Failure(2, 'A snapshot alone comes to no marker: give --snapshot-only or --until-marker, not both.')
}

/** The slot must not be confirmed before the broker has synced: how long that takes it says itself, or its operator. */
async function followWish(
  { natsMonitorUrl, natsSyncIntervalMs }: MonolithConfiguration,
  { untilMarker }: PublishFlags,
  { log }: VerbContext,
): Promise<FollowWish> {
  const { readMonitor, syncInterval } = await import('../nats/monitor.ts')
  const monitored = natsMonitorUrl === null ? null : await readMonitor(natsMonitorUrl)
  const { ms: brokerSyncMs, source } = syncInterval(monitored, natsSyncIntervalMs)
  if (monitored?.outcome === 'unseen')
    log.warn({ event: 'notice' }, `The monitoring port of NATS (NATS_MONITOR_URL) ${monitored.problem}.`)
  if (source === 'assumed')
    log.info(
      { event: 'notice', brokerSyncMs },
      `The broker is taken to sync its disk every ${brokerSyncMs / 1000} s, so the monolith keeps WAL for that long: give NATS_MONITOR_URL, or NATS_SYNC_INTERVAL if it is less.`,
    )
  return { untilMarker: untilMarker ?? null, brokerSyncMs }
}

/** What a person reads when a snapshot is in the log. */
export function publishText(outcome: PublishOutcome, columns: number): string {
  const { epoch, consistencyPoint, followedTo, services, seconds } = outcome
  if (followedTo !== null)
    return [
      `The changes up to ${followedTo} are in the log: epoch ${epoch}, whose snapshot is as of ${consistencyPoint}.`,
      ...slotLines(outcome, columns),
    ].join('\n')
  if (outcome.outcome === 'already closed')
    return [
      `The snapshot of epoch ${epoch} is complete already, as of ${consistencyPoint}: nothing was done.`,
      ...slotLines(outcome, columns),
      'To publish anew, add --new-epoch.',
    ].join('\n')
  const tables = services.map(({ service, entities }) => ({
    service,
    tables: entities.length,
    rows: entities.reduce((sum, { rows }) => sum + rows, 0),
    bytes: entities.reduce((sum, { bytes }) => sum + bytes, 0),
  }))
  const rows = tables.reduce((sum, table) => sum + table.rows, 0)
  return [
    tableText(
      [
        { title: 'service', align: 'left' },
        { title: 'tables', align: 'right' },
        { title: 'rows', align: 'right' },
        { title: 'bytes', align: 'right' },
      ],
      tables.map((table) => [table.service, String(table.tables), countText(table.rows), bytesText(table.bytes)]),
    ),
    '',
    `Published ${counted(rows, 'row')} in ${durationText(seconds)}: epoch ${epoch}, as of ${consistencyPoint}.`,
    ...slotLines(outcome, columns),
  ].join('\n')
}

function slotLines({ slot }: PublishOutcome, columns: number): string[] {
  if (slot === null)
    return [wrappedText('No slot is kept: what is written to the monolith from now on is not in the log.', columns)]
  const held = `${bytesText(slot.retainedBytes)} of WAL in the monolith`
  return [wrappedText(`Slot ${slot.name} is kept, and with it ${held}; ${slotRoomText(slot.safeBytes)}.`, columns)]
}
