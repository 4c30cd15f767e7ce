import type { ConsumerEvent } from '../../consumers/events.ts'
import type { PublisherEvent, PublishOutcome } from '../../publisher/events.ts'
import { PAGE_BYTES, publishSnapshot } from '../../publisher/publish-snapshot.ts'
import type { MonolithConfiguration, ServiceTarget } from '../configuration/configuration.ts'
import { type ApplicationWork, simulateApplication } from '../demo/application.ts'
import { writeMarker } from '../following/write-marker.ts'
import { withSession } from '../postgres/session.ts'
import type { VerifyReport } from '../verify/report.ts'
import { verify } from '../verify/verify.ts'
import { consumeTogether } from './consume-together.ts'
import type { DemoFlags } from './demo.ts'
import { dropAndReplay, lostService } from './demo-replay.ts'
import { type LoadedService, ServicesWatch } from './demo-watch.ts'
import { MAX_OUTAGE_MS } from './flags.ts'
import type { Log } from './log.ts'
import { noticeRecord } from './log-records.ts'
import { openProgress } from './progress.ts'
import { counted } from './quantities.ts'
import type { Steps } from './steps.ts'
import type { VerbContext } from './verb.ts'

/** Rows that differ are an error of ours here, and a few of them tell which. */
const NAMED_ROWS = 5

/** What came of publishing, loading and following, and of the application meanwhile. */
export interface FollowedLive {
  readonly loaded: readonly LoadedService[]
  readonly work: ApplicationWork
  readonly appliedChanges: number
}

/**
 * All at once, as they would run in earnest: an application writes to the monolith while it is published and followed, the
 * services fill meanwhile, and are proven while they follow. One service loses its tables, and is rebuilt from the log. Then
 * the application rests, and everything catches up.
 */
export async function followLive(
  context: VerbContext,
  steps: Steps,
  configuration: MonolithConfiguration,
  { seed }: DemoFlags,
): Promise<FollowedLive> {
  const stop = new AbortController()
  const rest = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  const progress = openProgress(context, configuration.set.services, 'split', { isBrief: true })
  const services = new ServicesWatch(configuration.set.services.length)
  const work = { transactions: 0, refused: 0 }
  const lost = lostService(configuration)
  const loses = new AbortController()
  const consume = async (of: readonly ServiceTarget[], until: AbortSignal): Promise<void> =>
    await consumeLive({ ...configuration, services: of }, AbortSignal.any([signal, until]), (event) => {
      services.consumed(event)
      progress.consumer(event)
    })
  const running = {
    writing: simulateApplication(configuration.monolith.url, seed, AbortSignal.any([signal, rest.signal]), work),
    publishing: publishLive(context, configuration, { signal, untilMarker: LAST_MARKER }, (event) => {
      services.published(event)
      if (event.type === 'snapshot-planned') progress.expect(event.entities)
    }),
    consuming: consume(
      configuration.services.filter((service) => service !== lost),
      services.done,
    ),
    consumingLost: consume([lost], AbortSignal.any([services.done, loses.signal])),
  }
  const all = Promise.all(Object.values(running))
  all.catch(() => undefined)
  try {
    await Promise.race([services.complete, all])
    progress.end()
    steps.done('publish', services.publishedText(), services.publishSeconds)
    steps.done(
      'consume',
      `${counted(services.loaded().length, 'database')}, with their indexes`,
      services.consumeSeconds,
    )
    await verifyAll(steps, 'prove live', configuration, signal)
    loses.abort()
    await running.consumingLost
    await Promise.race([dropAndReplay(steps, configuration, lost, signal), all])
    running.consumingLost = consume([lost], services.done)
    // Whoever waits for it last is told.
    running.consumingLost.catch(() => undefined)
    rest.abort()
    await running.writing
    await catchUp(configuration, steps, running, services, work)
    return { loaded: services.loaded(), work, appliedChanges: services.appliedChanges }
  } catch (error) {
    // The one that failed first tells why; the others end before the servers do.
    stop.abort()
    await Promise.allSettled(Object.values(running))
    throw error
  } finally {
    progress.end()
  }
}

const LAST_MARKER = 'the application rests'

/** @param ending when it ends: behind a marker, or with the signal alone. */
export async function publishLive(
  { log }: VerbContext,
  configuration: MonolithConfiguration,
  { signal, untilMarker }: { readonly signal: AbortSignal; readonly untilMarker: string | null },
  report: (event: PublisherEvent) => void,
): Promise<PublishOutcome> {
  return await publishSnapshot(
    configuration,
    {
      withSlot: true,
      newEpoch: false,
      readers: configuration.readers,
      pageBytes: PAGE_BYTES,
      maxOutageMs: MAX_OUTAGE_MS,
      // The embedded broker syncs each message.
      follow: { untilMarker, brokerSyncMs: 0 },
      signal,
    },
    (event) => {
      tellNotice(log, event)
      report(event)
    },
  )
}

/** Says of an event what an operator should know. */
export function tellNotice(log: Log, event: PublisherEvent | ConsumerEvent): void {
  if (event.type !== 'notice') return
  const { fields, level, sentence } = noticeRecord(event)
  log[level](fields, sentence)
}

/** Follows until it is told to end, which is no failure. */
export async function consumeLive(
  configuration: MonolithConfiguration,
  signal: AbortSignal,
  consumer: (event: ConsumerEvent) => void,
): Promise<void> {
  const options = { untilCaughtUp: false, loaders: configuration.loaders, maxWaitMs: MAX_OUTAGE_MS, signal }
  await consumeTogether(configuration, options, { consumer }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}

/** Ends the publisher by a marker behind the application's last transaction, and then the consumers. */
async function catchUp(
  configuration: MonolithConfiguration,
  steps: Steps,
  running: Readonly<Record<'consuming' | 'consumingLost', Promise<void>>> & {
    readonly publishing: Promise<PublishOutcome>
  },
  services: ServicesWatch,
  { transactions }: ApplicationWork,
): Promise<void> {
  await steps.run(
    'catch up',
    async () => {
      await withSession(configuration.monolith, { purpose: 'demo' }, async (client) => {
        await writeMarker(client, configuration.prefix, LAST_MARKER)
      })
      await running.publishing
      services.end()
      await Promise.all([running.consuming, running.consumingLost])
      const { signal } = new AbortController()
      const options = { untilCaughtUp: true, loaders: 1, maxWaitMs: MAX_OUTAGE_MS, signal }
      await consumeTogether(configuration, options, { consumer: (event) => services.consumed(event) })
    },
    () => `${counted(transactions, 'transaction')}, ${counted(services.appliedChanges, 'change')} applied`,
  )
}

export async function verifyAll(
  steps: Steps,
  name: string,
  configuration: MonolithConfiguration,
  signal: AbortSignal,
): Promise<VerifyReport> {
  const tables = configuration.set.services.reduce((sum, { entities }) => sum + entities.length, 0)
  let read = 0
  return await steps.run(
    name,
    async (tell) =>
      await verify(configuration, { limit: NAMED_ROWS, signal }, (event) => {
        if (event.type === 'table-read') tell(`${++read} of ${counted(tables, 'table')}`)
      }),
    ({ verified }) => (verified ? `${counted(tables, 'table')} equal in count and digest` : 'tables DIFFER'),
  )
}
