import { setTimeout as sleep } from 'node:timers/promises'
import type { StreamAPI, StreamConfig } from 'nats'
import { streamName } from '../../contracts/subjects.ts'
import type { Failure } from '../../contracts/failure.ts'
import { withNats } from '../../infra/nats/connect.ts'
import { streamConfiguration } from '../../infra/nats/stream-settings.ts'
import { runSql } from '../command-line/shop.ts'
import { failureOf, inTime } from '../publisher/with-log.ts'
import { withDatabase } from '../with-servers.ts'
import { CLUB, CLUB_TABLES } from './club.ts'
import { type Following, untilFollowed, withFollowing } from './following.ts'

/** How long what somebody did to a stream may stay unnoticed, on a busy machine. */
export const NOTICE_LIMIT_MS = 20_000

/** Streams from which messages can be removed, as somebody may have made them by hand. */
export const LAX: Partial<StreamConfig> = { deny_delete: false, deny_purge: false }

/** A club that is split, and whose streams somebody else can do something to. */
export interface ChangedLog extends Following {
  /** The stream of a service. */
  readonly streamOf: (service: string) => string
  /** Does something to streams, as an administrator of the broker. */
  readonly withStreams: <Result>(use: (streams: StreamAPI) => Promise<Result>) => Promise<Result>
  /** Deletes a service's stream and makes it anew. */
  readonly remake: (service: string, settings: Partial<StreamConfig>) => Promise<void>
}

/** @param settings with which the streams are there before anything is published. */
export async function withChangedLog(
  settings: Partial<StreamConfig>,
  use: (log: ChangedLog) => Promise<void>,
): Promise<void> {
  await withDatabase(async (url) => {
    await runSql(url, CLUB_TABLES)
    await withFollowing(CLUB, url, async (following) => {
      const log = changedLog(following)
      if (Object.keys(settings).length > 0) for (const { name } of CLUB.services) await log.remake(name, settings)
      await use(log)
    })
  })
}

function changedLog(following: Following): ChangedLog {
  const { nats, prefix } = following
  const streamOf = (service: string): string => streamName(prefix, service)
  const withStreams: ChangedLog['withStreams'] = async (use) =>
    await withNats(nats, 'test', async (connection) => await use((await connection.jetstreamManager()).streams))
  return {
    ...following,
    streamOf,
    withStreams,
    remake: async (service, settings) =>
      await withStreams(async (streams) => {
        await streams.delete(streamOf(service))
        await streams.add({ ...streamConfiguration(prefix, service, 1), ...settings })
      }),
  }
}

/** What publisher and consumers end with that follow while something is done. */
export async function endingsOf(
  following: Following,
  something: () => Promise<void>,
): Promise<{ readonly publisher: Failure; readonly consumer: Failure }> {
  const never = new Promise<never>(() => undefined)
  following.consumed.length = 0
  const publishing = failureOf(following.follow('never'))
  await Promise.race([publishing, untilFollowed(following.published)])
  const consuming = failureOf(following.withConsumers(async () => await never))
  await Promise.race([consuming, untilRead(following)])
  await something()
  const [publisher, consumer] = await inTime(NOTICE_LIMIT_MS, Promise.all([publishing, consuming]))
  return { publisher, consumer }
}

/** Returns when consumers that were begun since the events were forgotten read the log. */
export async function untilRead({ consumed, services }: Following): Promise<void> {
  const begun = (service: string): boolean =>
    consumed.some((event) => event.type === 'phase-entered' && event.service === service)
  while (!services.every(({ service }) => begun(service.name))) await sleep(10)
}

/** What a publisher ends with that is begun now, and what consumers do. */
export async function refusalsOf(
  following: Following,
): Promise<{ readonly publisher: Failure; readonly consumer: Failure }> {
  const publisher = await inTime(NOTICE_LIMIT_MS, failureOf(following.follow('never')))
  return { publisher, consumer: await inTime(NOTICE_LIMIT_MS, failureOf(following.catchUp())) }
}

/** The way out of whatever was lost: reads all anew, and follows. @returns the epoch. */
export async function publishAnew(following: Following): Promise<number> {
  const publishing = following.follow('anew', { newEpoch: true })
  await Promise.race([publishing, untilFollowed(following.published)])
  await following.mark('anew')
  return (await inTime(2 * NOTICE_LIMIT_MS, publishing)).epoch
}

/** The same, with what the services make of it. */
export async function beginAnew(following: Following): Promise<number> {
  const epoch = await publishAnew(following)
  await following.catchUp()
  await following.assertEqual()
  return epoch
}
