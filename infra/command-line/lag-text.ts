import type { ServiceLag } from '../../consumers/lag/service-lag.ts'
import type { MonolithStanding } from '../following/monolith-standing.ts'
import { bytesText, counted, countText, durationText } from './quantities.ts'
import { tableText, wrappedText } from './tables.ts'

/** The services, each with its phase, its position and its distance to the end of its stream. */
export function lagTable(services: readonly ServiceLag[]): string {
  return tableText(
    [
      { title: 'service', align: 'left' },
      { title: 'phase', align: 'left' },
      { title: 'consumer', align: 'left' },
      { title: 'position', align: 'right' },
      { title: 'behind', align: 'right' },
      { title: 'rate', align: 'right' },
      { title: 'bytes', align: 'right' },
      { title: 'time', align: 'right' },
    ],
    services.map(({ bytes, isConsumed, messages, messagesPerSecond, phase, position, seconds, service }) => [
      service,
      phase,
      isConsumed ? 'runs' : 'stopped',
      position ?? '',
      countText(messages),
      `${countText(messagesPerSecond)}/s`,
      messages === 0 ? '' : bytesText(bytes),
      messages === 0 ? '' : durationText(seconds),
    ]),
  )
}

/** Which services stopped at a transaction, and of which changes are parked. */
export function parkedSentences(services: readonly ServiceLag[], columns: number): string[] {
  return services.flatMap(({ isConsumed, parked, service, stopped }) => [
    ...(stopped === null || isConsumed
      ? []
      : [
          wrappedText(
            `Service ${service} stopped at ${stopped.position}: ${stopped.reason}; see parked list.`,
            columns,
          ),
        ]),
    ...(parked === 0
      ? []
      : [wrappedText(`Service ${service} has ${counted(parked, 'change')} parked: see parked list.`, columns)]),
  ])
}

/** The monolith's side: who follows it, and what the slot costs. */
export function slotSentence({ position, slot }: MonolithStanding, columns: number): string {
  if (slot === null)
    return wrappedText(
      `The monolith is at ${position}, and has no slot: nobody follows what is written to it.`,
      columns,
    )
  const { behindBytes, confirmed, isFollowed, name, retainedBytes, safeBytes, walStatus } = slot
  if (walStatus === 'lost')
    return wrappedText(
      `Slot ${name} is lost: PostgreSQL removed the WAL that it needs; begin anew with publish --new-epoch.`,
      columns,
    )
  const who = isFollowed ? 'a publisher follows it' : 'no publisher follows it'
  const room =
    safeBytes === null
      ? 'nothing limits that (max_slot_wal_keep_size)'
      : `${bytesText(safeBytes)} more and it is given up`
  return wrappedText(
    `The monolith is at ${position}; ${who}, and the log has all up to ${confirmed} (${bytesText(behindBytes)} of WAL behind). Slot ${name} keeps ${bytesText(retainedBytes)} of WAL; ${room}.`,
    columns,
  )
}
