import { activityOf } from '../../consumers/lag/activity.ts'
import type { LagHistory } from '../../consumers/lag/lag-history.ts'
import type { LagLook } from '../../consumers/lag/lag-watch.ts'
import { isKnown, type LagReport } from '../../consumers/lag/lag-report.ts'
import type { ServiceLag } from '../../consumers/lag/service-lag.ts'
import { ageText, rowsText } from './lag-text.ts'
import { bytesText, clockText, countText, durationText, shortCount } from './quantities.ts'
import { sparkline } from './sparkline.ts'
import { cellOf, type Line, printableText, type Span, span, widthOf } from './terminal-line.ts'
import { type Screen, toneOf } from './watch-state.ts'

interface WatchColumn {
  readonly title: string
  readonly align: 'left' | 'right'
  /** So wide at least, so that a figure which grows moves nothing beside it. */
  readonly least: number
  readonly cell: (lag: ServiceLag) => Span
}

const isMoving = ({ phase }: ServiceLag): boolean => phase === 'loading' || phase === 'waiting' || phase === 'indexing'

/** The services as a table. @returns the titles, and a line for each service. */
export function watchTable(look: LagLook, selected: number, screen: Screen): { titles: Line; lines: Line[] } {
  const { services } = look.report
  const width = screen.columns - MARK_WIDTH
  const shown = fittingColumns(services, columnsOf(services, screen), width)
  const stretched = withRest(look, shown, width, screen)
  const tooWide = Math.max(0, tableWidth(services, stretched) - width)
  const widths = stretched.map((column) => columnWidth(column, services) - (column.title === 'service' ? tooWide : 0))
  const titles = stretched.map(({ align, title }, index) =>
    cellOf(span(title, 'faint'), Math.max(0, widths[index] ?? 0), align),
  )
  const lines = services.map((lag, row) => {
    const cells = stretched.map((column, index) =>
      cellOf(
        column.title === 'service' ? nameCell(lag, row === selected) : cellIn(column, lag),
        Math.max(0, widths[index] ?? 0),
        column.align,
      ),
    )
    return [span(row === selected ? '> ' : '  ', 'strong'), ...joined(cells)]
  })
  return { titles: [span('  '), ...joined(titles)], lines }
}

const MARK_WIDTH = 2
const GAP = '  '

function joined(cells: readonly Span[]): Span[] {
  return cells.flatMap((cell, index) => (index === 0 ? [cell] : [span(GAP), cell]))
}

function nameCell({ service }: LagReport['services'][number], isSelected: boolean): Span {
  return span(service, isSelected ? 'strong' : 'plain')
}

function cellIn({ cell, title }: WatchColumn, lag: LagReport['services'][number]): Span {
  if (title === 'status') return span(lag.status, toneOf(lag.status))
  return isKnown(lag) ? cell(lag) : span('')
}

const left = (title: string, least: number, cell: WatchColumn['cell']): WatchColumn => ({
  title,
  align: 'left',
  least,
  cell,
})
const right = (title: string, least: number, cell: WatchColumn['cell']): WatchColumn => ({
  title,
  align: 'right',
  least,
  cell,
})

function columnsOf(services: LagReport['services'], screen: Screen): WatchColumn[] {
  const loads = services.some((lag) => isKnown(lag) && isMoving(lag) && loadedShare(lag) !== null)
  return [
    left('service', 0, () => span('')),
    left('phase', 9, (lag) => span(activityOf(lag), isMoving(lag) && lag.isConsumed ? 'busy' : 'plain')),
    left('status', 7, () => span('')),
    ...(loads ? [left('loaded', 6, (lag) => loadedCell(lag, screen))] : []),
    right('rows', 7, ({ loading }) => span(rowsText(loading))),
    right('rate', 7, rateCell),
    right('left', 5, leftCell),
    right('behind', 6, ({ messages }) => span(countText(messages))),
    right('bytes', 6, ({ bytes, messages }) => span(messages === 0 ? '' : bytesText(bytes))),
    right('position', 9, ({ position }) => span(position ?? '')),
    right('to log', 6, ({ hops }) => span(ageText(hops.toLog))),
    right('read', 6, ({ hops }) => span(ageText(hops.toConsumer))),
    right('applied', 7, ({ hops, status }) =>
      span(ageText(hops.toDatabase), status === 'ok' ? 'plain' : toneOf(status)),
    ),
    left(SPARK, SPARK_LEAST, () => span('')),
  ]
}

/** What a narrow screen shows without, in this order: while services load, how much they hold matters more than how far they are behind. */
const DISPENSABLE = [
  'position',
  'bytes',
  'rows',
  'read',
  'to log',
  'rate',
  'left',
  'behind',
  'lag, 1 min',
  'phase',
  'applied',
]
const DISPENSABLE_LOADING = [
  'position',
  'bytes',
  'read',
  'to log',
  'behind',
  'lag, 1 min',
  'applied',
  'rate',
  'rows',
  'phase',
  'left',
  'loaded',
]
const SPARK = 'lag, 1 min'
const SPARK_LEAST = 10
const SPARK_MOST = 30
export const SPARK_SPAN_MS = 60_000

function fittingColumns(services: LagReport['services'], all: readonly WatchColumn[], width: number): WatchColumn[] {
  const dispensable = all.some(({ title }) => title === 'loaded') ? DISPENSABLE_LOADING : DISPENSABLE
  const gone = new Set<string>()
  const shown = (): WatchColumn[] => all.filter(({ title }) => !gone.has(title))
  for (const title of dispensable) {
    if (tableWidth(services, shown()) <= width) break
    gone.add(title)
  }
  // A wide column that had to go may leave room for a narrow one that went before it.
  for (const title of [...gone].toReversed()) {
    gone.delete(title)
    if (tableWidth(services, shown()) > width) gone.add(title)
  }
  return shown()
}

function tableWidth(services: LagReport['services'], columns: readonly WatchColumn[]): number {
  return columns.reduce((sum, column) => sum + GAP.length + columnWidth(column, services), -GAP.length)
}

function columnWidth(column: WatchColumn, services: LagReport['services']): number {
  const cells = services.map((lag) => (column.title === 'service' ? lag.service : cellIn(column, lag).text))
  return Math.max(column.least, ...[column.title, ...cells].map(widthOf))
}

/** An error's beginning is shown where it has so much room. */
const ERROR_LEAST = 20

/** What room is left goes to the errors, where there are any, and else to the lines of lag. */
function withRest(look: LagLook, shown: readonly WatchColumn[], width: number, screen: Screen): WatchColumn[] {
  const { services } = look.report
  const room = width - tableWidth(services, shown)
  const hasErrors = services.some((lag) => isKnown(lag) && lag.lastError !== null)
  const errorWidth = hasErrors && room - GAP.length >= ERROR_LEAST ? room - GAP.length : 0
  const sparkWidth = Math.min(SPARK_MOST, SPARK_LEAST + (errorWidth > 0 ? 0 : Math.max(0, room)))
  const stretched = shown.map((column) =>
    column.title === SPARK
      ? left(SPARK, sparkWidth, ({ service, status }) =>
          span(sparkOf(look.history, service, sparkWidth, screen), status === 'ok' ? 'busy' : toneOf(status)),
        )
      : column,
  )
  if (errorWidth === 0) return stretched
  return [
    ...stretched,
    left('last error', errorWidth, (lag) => {
      const { text, tone } = errorCell(lag)
      return cellOf(span(printableText(text, screen.isUnicode), tone), errorWidth, 'left')
    }),
  ]
}

/** How long its oldest unapplied change waited, over the last minute. */
export function sparkOf(
  { services, times }: LagHistory,
  service: string,
  width: number,
  { isUnicode }: Pick<Screen, 'isUnicode'>,
): string {
  const points = services[service] ?? []
  const values = times.map((atMs, index) => ({ atMs, value: points[index]?.appliedSeconds ?? null }))
  return sparkline(values, { isUnicode, spanMs: SPARK_SPAN_MS, width })
}

function errorCell({ lastError, status }: ServiceLag): Span {
  if (lastError === null) return span('')
  return span(
    `${durationText(lastError.secondsAgo)} ago: ${lastError.text}`,
    status === 'ok' ? 'faint' : toneOf(status),
  )
}

const BAR_WIDTH = 10
/** On a narrower screen a bar takes the place of figures. */
const COLUMNS_FOR_BAR = 70

function loadedCell(lag: ServiceLag, screen: Screen): Span {
  const share = loadedShare(lag)
  // What was loaded long ago is no news beside what loads.
  if (share === null || lag.phase === 'following') return span('')
  return span(screen.columns < COLUMNS_FOR_BAR ? percentOf(share) : barOf(share, BAR_WIDTH, screen), 'busy')
}

/** How much of the snapshot a service holds, from 0 to 1; null where nothing tells it. Only what is loaded shows as 1. */
export function loadedShare({
  loading: { expectedRows, rows },
  phase,
}: Pick<ServiceLag, 'loading' | 'phase'>): number | null {
  if (phase === 'indexing' || phase === 'following') return 1
  if (expectedRows === null) return null
  return expectedRows === 0 ? 0 : Math.min(0.99, rows / expectedRows)
}

/** `█████░░░░░  52%` */
export function barOf(share: number, width: number, { isUnicode }: Pick<Screen, 'isUnicode'>): string {
  const full = Math.min(width, Math.round(share * width))
  const [filled, empty] = isUnicode ? ['█', '░'] : ['#', '.']
  return `${filled.repeat(full)}${empty.repeat(width - full)} ${percentOf(share)}`
}

function percentOf(share: number): string {
  return `${Math.floor(share * 100)}%`.padStart(4)
}

/** Rows while it loads, messages after that. */
export function rateOf({ loading, messagesPerSecond, phase }: ServiceLag): number {
  return phase === 'loading' ? loading.rowsPerSecond : messagesPerSecond
}

const LONG_RATE = 10_000

function rateCell(lag: ServiceLag): Span {
  const rate = rateOf(lag)
  return span(`${rate >= LONG_RATE ? shortCount(rate) : countText(rate)}/s`)
}

function leftCell(lag: ServiceLag): Span {
  const seconds = secondsLeftOf(lag)
  return span(seconds === null || seconds === 0 ? '' : clockText(seconds))
}

/** Until the snapshot is loaded, or else until the log's present end is applied. */
export function secondsLeftOf({ loading, messages, phase, secondsLeft }: ServiceLag): number | null {
  if (phase === 'loading') return loading.secondsLeft
  return messages === 0 ? 0 : secondsLeft
}
