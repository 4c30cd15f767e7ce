import type { ConsumerEvent } from '../../consumers/events.ts'
import type { ReplayEvent } from '../../consumers/replay/events.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import type { PublisherEvent } from '../../publisher/events.ts'
import type { VerifyEvent } from '../verify/events.ts'
import type { Log, LogRecord } from './log.ts'
import { consumerRecord, publisherRecord, replayRecord, verifyRecord } from './log-records.ts'
import { addToSums, type EventSums, isSummed, sumRecord, type SummedEvent } from './log-sums.ts'
import type { Progress } from './progress.ts'
import {
  afterConsumerEvent,
  afterPublisherEvent,
  afterReplayEvent,
  afterVerifyEvent,
  type Board,
  emptyBoard,
} from './progress-board.ts'

/** As often as plain lines are. */
const SUMMARY_EVERY_MS = 5_000

/** Before these comes the sum of what led to them. */
const CLOSING = new Set(['phase-entered', 'manifest-closed', 'service-verified', 'step-done'])

/** Each event as a record of its own, but for those that come often, whose sum comes every few seconds. */
export function openLoggedProgress(log: Log, services: readonly Service[]): Progress {
  let board = emptyBoard(services)
  let sums: EventSums = new Map()
  let timer: NodeJS.Timeout | undefined
  const write = ({ level, fields, sentence }: LogRecord): void => log[level](fields, sentence)
  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    const told = sums
    sums = new Map()
    for (const sum of told.values()) write(sumRecord(sum, board, Date.now()))
  }
  const add = (changed: Board, event: SummedEvent): void => {
    board = changed
    sums = addToSums(sums, event, Date.now())
    timer ??= setTimeout(flush, SUMMARY_EVERY_MS).unref()
  }
  const tell = (changed: Board, type: string, record: LogRecord): void => {
    if (CLOSING.has(type)) flush()
    board = changed
    write(record)
  }
  return {
    publisher: (event: PublisherEvent) => {
      const changed = afterPublisherEvent(board, event, Date.now())
      if (isSummed(event)) add(changed, event)
      else tell(changed, event.type, publisherRecord(changed, event))
    },
    consumer: (event: ConsumerEvent) => {
      const changed = afterConsumerEvent(board, event, Date.now())
      if (isSummed(event)) add(changed, event)
      else tell(changed, event.type, consumerRecord(changed, event))
    },
    verify: (event: VerifyEvent) => {
      const changed = afterVerifyEvent(board, event, Date.now())
      if (isSummed(event)) add(changed, event)
      else tell(changed, event.type, verifyRecord(event))
    },
    replay: (event: ReplayEvent) => {
      const changed = afterReplayEvent(board, event, Date.now())
      if (isSummed(event)) add(changed, event)
      else tell(changed, event.type, replayRecord(changed, event))
    },
    expect: (entities) => {
      board = afterPublisherEvent(board, { type: 'snapshot-planned', entities }, Date.now())
    },
    end: flush,
  }
}
