import { activityOf } from '../../consumers/lag/activity.ts'
import type { ConsumerStatus } from '../../consumers/lag/judge-consumer.ts'
import type { LagLook } from '../../consumers/lag/lag-watch.ts'
import { isKnown } from '../../consumers/lag/lag-report.ts'
import { adviceOf } from '../../consumers/lag/service-advice.ts'
import type { LoadedEntity } from '../../consumers/lag/loading-progress.ts'
import type { ServiceLag } from '../../consumers/lag/service-lag.ts'
import { unreachable } from '../../contracts/failure.ts'
import type { Age } from '../following/log-lag.ts'
import { rowsText } from './lag-text.ts'
import { bytesText, counted, countText, durationText } from './quantities.ts'
import { cellOf, type Line, printableText, span, type Tone, widthOf, wrapSentence } from './terminal-line.ts'
import { withCommand } from './watch-messages.ts'
import { type Screen, toneOf } from './watch-state.ts'
import { barOf, loadedShare, rateOf, secondsLeftOf, sparkOf } from './watch-table.ts'

/** All that is known of one service. */
export function detailLines(look: LagLook, service: string, screen: Screen): Line[] {
  const lag = look.report.services.find((each) => each.service === service)
  if (lag === undefined) return [[span(`There is no service ${service} in this look.`)]]
  const advice = wrapSentence(adviceText(lag), screen.columns, '  ').map((line): Line => [
    span(line, toneOf(lag.status)),
  ])
  if (!isKnown(lag)) {
    const reasons = look.report.problems.flatMap((problem) => wrapSentence(problem.sentence, screen.columns, '  '))
    return [headOf(service, lag.status, 'unknown'), ...advice, [], ...reasons.map((line): Line => [span(line, 'bad')])]
  }
  return [
    headOf(service, lag.status, activityOf(lag)),
    ...advice,
    [],
    ...factLines(lag, screen),
    ...sparkLines(look, lag, screen),
    ...saidLines(lag, screen),
    ...tableLines(lag, screen),
    ...parkedLines(lag, screen),
  ]
}

function headOf(service: string, status: ConsumerStatus | 'unknown', activity: string): Line {
  return [span(service, 'strong'), span('  '), span(activity), span('  '), span(status, toneOf(status))]
}

function adviceText(lag: LagLook['report']['services'][number]): string {
  if (!isKnown(lag)) return 'Nothing can be told of it, for one of these reasons:'
  const advice = adviceOf(lag)
  return advice === null ? 'Nothing is to be done.' : `It ${withCommand(advice)}`
}

type Fact = readonly [title: string, text: string, tone?: Tone]

function factLines(lag: ServiceLag, { columns }: Screen): Line[] {
  const { bytes, epoch, hops, isConsumed, lastSequence, loading, messages, position, streamSequence } = lag
  const seconds = secondsLeftOf(lag)
  const left = seconds === null || seconds === 0 ? '' : `, ${durationText(seconds)} left`
  const behind = messages === 0 ? 'nothing' : `${counted(messages, 'message')}, about ${bytesText(bytes)}`
  return [
    ['consumer', isConsumed ? 'holds the lease' : 'nobody holds the lease', isConsumed ? 'plain' : 'bad'] as const,
    ['rows', `${rowsText(loading)}${loadedText(lag)}`] as const,
    [
      'rate',
      `${counted(Math.round(rateOf(lag)), lag.phase === 'loading' ? 'row' : 'message')} a second${left}`,
    ] as const,
    ['behind', behind] as const,
    [
      'applied',
      `${position ?? 'nothing yet'}, message ${countText(streamSequence)} of ${countText(lastSequence)}, epoch ${epoch}`,
    ] as const,
    ['monolith to log', boundText(hops.toLog)] as const,
    ['log to consumer', boundText(hops.toConsumer)] as const,
    ['consumer to database', boundText(hops.toDatabase)] as const,
  ].flatMap((fact) => factOf(fact, columns))
}

function loadedText(lag: ServiceLag): string {
  const share = loadedShare(lag)
  return share === null || share === 1 ? '' : `, ${Math.floor(share * 100)}%`
}

const TITLE_WIDTH = 22

/** Beside its title, or below it where that leaves no room. */
function factOf([title, text, tone = 'plain']: Fact, columns: number): Line[] {
  const room = columns - TITLE_WIDTH
  if (room < TITLE_WIDTH)
    return [[span(title, 'faint')], ...wrapSentence(text, columns - 2).map((line): Line => [span(`  ${line}`, tone)])]
  return wrapSentence(text, room).map((line, index): Line => [
    cellOf(span(index === 0 ? title : '', 'faint'), TITLE_WIDTH, 'left'),
    span(line, tone),
  ])
}

/** A hop's lag, with what its bound means. */
export function boundText({ bound, seconds }: Age): string {
  switch (bound) {
    case 'exact':
      return seconds === 0 ? 'level' : durationText(seconds)
    case 'at least':
      return seconds === 0
        ? 'unknown: nothing tells it'
        : `at least ${durationText(seconds)}: nothing tells what is behind that`
    case 'at most':
      return `at most ${durationText(seconds)}: nobody knows whether anything was written since`
    default:
      return unreachable(bound)
  }
}

/** A minute in cells of two seconds. */
const SPARK_WIDTH = 30

function sparkLines({ history }: LagLook, { service }: ServiceLag, screen: Screen): Line[] {
  const known = (history.services[service] ?? []).flatMap((point) => (point === null ? [] : [point.appliedSeconds]))
  const greatest = known.length === 0 ? 0 : Math.max(...known.slice(-SPARK_WIDTH * 2))
  const width = Math.min(SPARK_WIDTH, screen.columns)
  const top = greatest === 0 ? 'level' : `${durationText(greatest)} at most`
  return [
    [],
    [span('lag over the last minute', 'faint')],
    [span(sparkOf(history, service, width, screen), 'busy'), span(`  ${top}`)],
  ]
}

function saidLines({ isConsumed, lastError, status, stopped }: ServiceLag, { columns }: Screen): Line[] {
  const said = lastError === null ? [] : [`${durationText(lastError.secondsAgo)} ago: ${lastError.text}`]
  const stop = stopped === null || isConsumed ? [] : [`stopped at ${stopped.position}: ${stopped.reason}`]
  const tone = status === 'ok' ? 'plain' : toneOf(status)
  return sectionOf(
    'last error',
    [...stop, ...said].flatMap((text) => wrapSentence(text, columns, '  ')).map((line): Line => [span(line, tone)]),
  )
}

function sectionOf(title: string, lines: readonly Line[]): Line[] {
  return lines.length === 0 ? [] : [[], [span(title, 'faint')], ...lines]
}

const NAME_MOST = 32
const BAR_WIDTH = 10

function tableLines({ loading: { entities, isEstimate } }: ServiceLag, screen: Screen): Line[] {
  const named = entities.map((entity) => ({ ...entity, name: printableText(entity.entity, screen.isUnicode) }))
  const width = Math.min(NAME_MOST, Math.max(0, ...named.map(({ name }) => widthOf(name))))
  const rows = entities.map((entity) =>
    rowsText({ ...entity, isEstimate: isEstimate && entity.rows !== entity.expectedRows }),
  )
  const rowsWidth = Math.max(0, ...rows.map((text) => text.length))
  return sectionOf(
    'tables',
    named.map((entity, index): Line => [
      cellOf(span(entity.name), width, 'left'),
      span('  '),
      cellOf(span(rows[index] ?? ''), rowsWidth, 'right'),
      span(`  ${barText(entity, screen)}`, 'busy'),
    ]),
  )
}

function barText({ expectedRows, rows }: LoadedEntity, screen: Screen): string {
  if (expectedRows === null || rows === expectedRows) return ''
  return barOf(Math.min(0.99, rows / Math.max(1, expectedRows)), BAR_WIDTH, screen)
}

function parkedLines({ parked, parkedChanges }: ServiceLag, { columns }: Screen): Line[] {
  const listed = parkedChanges.flatMap(({ changes, entity, position, reason }) =>
    wrapSentence(`${position}  ${counted(changes, 'change')} of ${entity}: ${reason}`, columns, '  '),
  )
  const count = parkedChanges.reduce((sum, { changes }) => sum + changes, 0)
  const more = parked > count ? [`${counted(parked - count, 'more change')}: see parked list.`] : []
  return sectionOf(
    'parked changes',
    [...listed, ...more].map((line): Line => [span(line, 'fair')]),
  )
}
