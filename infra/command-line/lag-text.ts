import picocolors from 'picocolors'
import { activityOf } from '../../consumers/lag/activity.ts'
import type { ConsumerStatus } from '../../consumers/lag/judge-consumer.ts'
import { isKnown, type LagReport } from '../../consumers/lag/lag-report.ts'
import type { ServiceLag } from '../../consumers/lag/service-lag.ts'
import { unreachable } from '../../contracts/failure.ts'
import type { Age } from '../following/log-lag.ts'
import type { MonolithStanding } from '../following/monolith-standing.ts'
import { slotRoomText } from './slot-room.ts'
import { bytesText, counted, countText, durationText } from './quantities.ts'
import { type Column, tableText, wrappedText } from './tables.ts'
import { printableLines } from './terminal-line.ts'
import { type Colours, displayOf, type World } from './terminal.ts'

/** For what a table is made. */
export interface TableDisplay {
  readonly columns: number
  readonly colours: Colours
}

/** What is not for a terminal is for a program, or a file: nothing is left out there, for want of room. */
export function tableDisplayOf({ environment, stdout }: Pick<World, 'environment' | 'stdout'>): TableDisplay {
  const { colours, columns, isTerminal } = displayOf(stdout, environment)
  return { colours, columns: isTerminal ? columns : Number.POSITIVE_INFINITY }
}

interface LagColumn extends Column {
  readonly cell: (lag: ServiceLag) => string
}

const left = (title: string, cell: LagColumn['cell']): LagColumn => ({ title, align: 'left', cell })
const right = (title: string, cell: LagColumn['cell']): LagColumn => ({ title, align: 'right', cell })

const LAG_COLUMNS: readonly LagColumn[] = [
  left('phase', activityOf),
  right('rows', ({ loading }) => rowsText(loading)),
  right('position', ({ position }) => position ?? ''),
  right('behind', ({ messages }) => countText(messages)),
  right('rate', ({ messagesPerSecond }) => `${countText(messagesPerSecond)}/s`),
  right('bytes', ({ bytes, messages }) => (messages === 0 ? '' : bytesText(bytes))),
  right('to log', ({ hops }) => ageText(hops.toLog)),
  right('read', ({ hops }) => ageText(hops.toConsumer)),
  right('applied', ({ hops }) => ageText(hops.toDatabase)),
  right('left', ({ messages, secondsLeft }) =>
    messages === 0 || secondsLeft === null ? '' : durationText(secondsLeft),
  ),
]

/** What a narrow terminal shows without, in this order. */
const DISPENSABLE = ['position', 'bytes', 'read', 'rate', 'to log', 'rows', 'left', 'phase']

/** The services, each with its status, its phase and its distance to the end of its stream. */
export function lagTable(services: LagReport['services'], { colours, columns: width }: TableDisplay): string {
  let shown = LAG_COLUMNS
  for (const title of DISPENSABLE) {
    if (widthOf(tableOf(services, shown, PLAIN)) <= width) break
    shown = shown.filter((column) => column.title !== title)
  }
  return tableOf(services, shown, colours)
}

const PLAIN = picocolors.createColors(false)

function tableOf(services: LagReport['services'], columns: readonly LagColumn[], colours: Colours): string {
  return tableText(
    [{ title: 'service', align: 'left' }, { title: 'status', align: 'left' }, ...columns],
    services.map((lag) => [
      lag.service,
      colourOf(lag.status, colours)(lag.status),
      ...columns.map(({ cell }) => (isKnown(lag) ? cell(lag) : '')),
    ]),
  )
}

function widthOf(table: string): number {
  return Math.max(...table.split('\n').map((line) => line.length))
}

function colourOf(status: ConsumerStatus | 'unknown', colours: Colours): (text: string) => string {
  switch (status) {
    case 'ok':
      return colours.green
    case 'warning':
    case 'parked':
      return colours.yellow
    case 'stall':
    case 'stop':
    case 'unknown':
      return colours.red
    default:
      return unreachable(status)
  }
}

/** Nothing where nothing is behind, and a question mark where nothing tells it. */
export function ageText({ bound, seconds }: Age): string {
  switch (bound) {
    case 'exact':
      return seconds === 0 ? '' : durationText(seconds)
    case 'at least':
      return seconds === 0 ? '?' : `>= ${durationText(seconds)}`
    case 'at most':
      return `<= ${durationText(seconds)}`
    default:
      return unreachable(bound)
  }
}

/** `5`, `3 of 5`, or `3 of about 5` where only an estimate tells it. */
export function rowsText({
  expectedRows,
  isEstimate,
  rows,
}: Pick<ServiceLag['loading'], 'expectedRows' | 'isEstimate' | 'rows'>): string {
  if (expectedRows === null || (expectedRows === rows && !isEstimate)) return countText(rows)
  return `${countText(rows)} of ${isEstimate ? 'about ' : ''}${countText(expectedRows)}`
}

/** Which services stopped at a transaction, and of which changes are parked. */
export function parkedSentences(services: readonly ServiceLag[], columns: number): string[] {
  return services.flatMap(({ isConsumed, parked, service, stopped }) => [
    ...(stopped === null || isConsumed
      ? []
      : [
          wrappedText(
            `Service ${service} stopped at ${stopped.position}: ${printableLines(stopped.reason)}; see parked list.`,
            columns,
          ),
        ]),
    ...(parked === 0
      ? []
      : [wrappedText(`Service ${service} has ${counted(parked, 'change')} parked: see parked list.`, columns)]),
  ])
}

/** Which services are replayed, or have a replay that was begun and not ended. */
export function replaySentences(services: readonly ServiceLag[], columns: number): string[] {
  return services.flatMap(({ replay, service }) =>
    replay === null ? [] : [wrappedText(replaySentence(service, replay), columns)],
  )
}

function replaySentence(service: string, replay: NonNullable<ServiceLag['replay']>): string {
  return replay === 'running'
    ? `A replay of service ${service} is running: start its consumer when that has ended.`
    : `A replay of service ${service} was begun and not ended: run replay ${service}, or replay ${service} --discard.`
}

/** What each service's consumer said last of a fault. */
export function errorSentences(services: readonly ServiceLag[], columns: number): string[] {
  return services.flatMap(({ lastError, service }) =>
    lastError === null
      ? []
      : [
          wrappedText(
            `Service ${service} said ${durationText(lastError.secondsAgo)} ago: ${printableLines(lastError.text)}`,
            columns,
          ),
        ],
  )
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
  return wrappedText(
    `The monolith is at ${position}; ${who}, and the log has all up to ${confirmed} (${bytesText(behindBytes)} of WAL behind). Slot ${name} keeps ${bytesText(retainedBytes)} of WAL; ${slotRoomText(safeBytes)}.`,
    columns,
  )
}
