import type { ConsumerEvent } from '../../consumers/events.ts'
import type { ReplayEvent } from '../../consumers/replay/events.ts'
import { unreachable } from '../../contracts/failure.ts'
import type { PublisherEvent } from '../../publisher/events.ts'
import type { VerifyEvent } from '../verify/events.ts'
import { movingSeconds } from './lane-text.ts'
import type { LogFields, LogRecord } from './log.ts'
import type { SummedEvent } from './log-sums.ts'
import type { Board } from './progress-board.ts'
import { consumerLine, publisherLine, replayLine, serviceLane, verifyLine } from './progress-lines.ts'
import { bytesText, counted } from './quantities.ts'

/** @param board that after the event. */
export function publisherRecord(board: Board, event: Exclude<PublisherEvent, SummedEvent>): LogRecord {
  const { type, ...fields } = event
  const told = (sentence: string, more: object = {}): LogRecord => record({ event: type, ...fields, ...more }, sentence)
  switch (event.type) {
    case 'epoch-begun':
    case 'following-begun':
      return told(publisherLine(board, event) ?? '')
    case 'manifest-closed':
      return told(publisherLine(board, event) ?? '', movedOf(board, event.service))
    case 'snapshot-planned':
      return plannedRecord(event)
    case 'entity-resumed':
      return told(
        `${event.service}: ${event.entity} goes on after ${counted(event.rows, 'row')} that the log has of attempt ${event.attempt}`,
      )
    case 'entity-completed':
      return told(`${event.service}: ${event.entity} is read, ${counted(event.rows, 'row')}, ${bytesText(event.bytes)}`)
    case 'notice':
      return noticeRecord(event)
    default:
      return unreachable(event)
  }
}

/** @param board that after the event. */
export function consumerRecord(board: Board, event: Exclude<ConsumerEvent, SummedEvent>): LogRecord {
  const { type, ...fields } = event
  const told = (sentence: string, more: object = {}): LogRecord => record({ event: type, ...fields, ...more }, sentence)
  switch (event.type) {
    case 'phase-entered':
      return told(
        consumerLine(board, event) ?? '',
        event.phase === 'indexing' ? movedOf(board, event.service) : undefined,
      )
    case 'expectation-known':
      return told(`${event.service}: ${event.entity} has ${counted(event.rows, 'row')} in the snapshot`)
    case 'object-built':
      return told(`${event.service}: ${event.kind} ${event.name} of ${event.entity} is built`)
    case 'notice':
      return noticeRecord(event)
    default:
      return unreachable(event)
  }
}

/** @param board that after the event. */
export function replayRecord(board: Board, event: Exclude<ReplayEvent, SummedEvent>): LogRecord {
  if (event.type !== 'step-done') return consumerRecord(board, event)
  const { type, ...fields } = event
  return record({ event: type, ...fields }, replayLine(board, event) ?? '')
}

export function verifyRecord(event: Exclude<VerifyEvent, SummedEvent>): LogRecord {
  const { type, ...fields } = event
  const told = (sentence: string, level: LogRecord['level'] = 'info'): LogRecord =>
    record({ event: type, ...fields }, sentence, level)
  switch (event.type) {
    case 'service-begun':
      return told(`${event.service}: ${counted(event.tables, 'table')} with ${counted(event.rows, 'row')} are compared`)
    case 'table-read':
      return event.equal
        ? told(`${event.service}: ${event.entity} is equal, ${counted(event.rows, 'row')}`)
        : told(verifyLine(event) ?? '', 'warn')
    case 'service-verified':
      return told(verifyLine(event) ?? '', event.verified ? 'info' : 'warn')
    default:
      return unreachable(event)
  }
}

function record(fields: LogFields, sentence: string, level: LogRecord['level'] = 'info'): LogRecord {
  return { level, fields, sentence }
}

/** What is wrong somebody may have to look at. */
export function noticeRecord({
  isFault,
  text,
  type,
  ...fields
}: Extract<PublisherEvent | ConsumerEvent, { type: 'notice' }>): LogRecord {
  const service = 'service' in fields ? `${fields.service}: ` : ''
  return record({ event: type, ...fields }, `${service}${text}`, isFault === true ? 'warn' : 'info')
}

/** The sums alone: hundreds of tables would make a line that nobody reads. */
function plannedRecord({ entities, type }: Extract<PublisherEvent, { type: 'snapshot-planned' }>): LogRecord {
  const sumOf = (value: (entity: (typeof entities)[number]) => number): number =>
    entities.reduce((sum, entity) => sum + value(entity), 0)
  const fields = {
    event: type,
    entities: entities.length,
    estimatedRows: sumOf(({ estimatedRows }) => estimatedRows),
    tableBytes: sumOf(({ tableBytes }) => tableBytes),
    chunks: sumOf(({ chunks }) => chunks),
  }
  const size = `about ${counted(fields.estimatedRows, 'row')}, ${bytesText(fields.tableBytes)}`
  return record(fields, `${counted(fields.entities, 'table')} to read, ${size}`)
}

/** What of a service came over in this run. */
function movedOf(board: Board, service: string): object {
  const lane = serviceLane(board, service)
  const { rows, bytes } = lane
  return { rows, bytes, seconds: movingSeconds(lane, lane.changedAtMs ?? 0) }
}
