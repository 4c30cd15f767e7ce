import type { ConsumerEvent } from '../../consumers/events.ts'
import type { ReplayEvent } from '../../consumers/replay/events.ts'
import { unreachable } from '../../contracts/failure.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import type { PublisherEvent } from '../../publisher/events.ts'
import type { VerifyEvent } from '../verify/events.ts'

/** What is known of one table on its way. Times are milliseconds of one clock. */
export interface TableProgress {
  readonly service: string
  readonly entity: string
  readonly rows: number
  readonly bytes: number
  readonly expectedRows: number | null
  readonly beganAtMs: number | null
  readonly changedAtMs: number | null
  /** Whether the rows are counted, and no longer an estimate. */
  readonly isCounted: boolean
}

export type LanePhase = 'waiting' | 'moving' | 'indexing' | 'comparing' | 'following' | 'done'

/** All tables in the order of migration, and the phase of each service. */
export interface Board {
  readonly tables: readonly TableProgress[]
  readonly phases: ReadonlyMap<string, LanePhase>
  /** Rows of a whole service, where they are known before those of its tables. */
  readonly serviceRows: ReadonlyMap<string, number>
  /** Changes of each service that were stored or applied. */
  readonly changes: ReadonlyMap<string, number>
  /** Whether what comes after the snapshot is followed too. */
  readonly isFollowed: boolean
}

/** One line of progress: a service, or a table where there is one service alone. */
export interface Lane {
  readonly label: string
  readonly phase: LanePhase
  readonly rows: number
  readonly bytes: number
  readonly expectedRows: number | null
  readonly beganAtMs: number | null
  readonly changedAtMs: number | null
  readonly changes: number
}

export function emptyBoard(services: readonly Service[]): Board {
  const tables = services.flatMap(({ name, entities }) =>
    entities.map((entity) => ({
      service: name,
      entity: entity.name,
      rows: 0,
      bytes: 0,
      expectedRows: null,
      beganAtMs: null,
      changedAtMs: null,
      isCounted: false,
    })),
  )
  const phases = new Map(services.map(({ name }) => [name, 'waiting'] as const))
  return { tables, phases, serviceRows: new Map(), changes: new Map(), isFollowed: false }
}

/** The board after an event of the publisher's. */
export function afterPublisherEvent(board: Board, event: PublisherEvent, nowMs: number): Board {
  switch (event.type) {
    case 'snapshot-planned':
      return event.entities.reduce(
        (changed, { service, entity, estimatedRows }) => expectRows(changed, service, entity, estimatedRows),
        board,
      )
    case 'page-stored':
      return addRows(board, event, nowMs)
    case 'entity-resumed': {
      const { service, entity, rows, bytes } = event
      // It sets the count, since a run may begin again after it has reported.
      const held = changeTable(board, service, entity, () => ({ rows, bytes }))
      return event.isFinished ? countRows(held, service, entity, rows) : held
    }
    case 'entity-completed':
      // Its last pages may still be on their way into the log.
      return countRows(board, event.service, event.entity, event.rows)
    case 'manifest-closed':
      return enterPhase(board, event.service, board.isFollowed ? 'following' : 'done')
    case 'following-begun':
      return { ...board, isFollowed: true }
    case 'changes-stored':
      return addChanges(board, event)
    case 'epoch-begun':
    case 'notice':
      return board
    default:
      return unreachable(event)
  }
}

/** The board after an event of a consumer's. */
export function afterConsumerEvent(board: Board, event: ConsumerEvent, nowMs: number): Board {
  switch (event.type) {
    case 'phase-entered':
      return enterPhase(board, event.service, LANE_PHASES[event.phase])
    case 'pages-loaded':
      return addRows(board, event, nowMs)
    case 'expectation-known':
      return countRows(board, event.service, event.entity, event.rows)
    case 'changes-applied':
      return addChanges(board, event)
    case 'object-built':
    case 'notice':
      return board
    default:
      return unreachable(event)
  }
}

/** The board after an event of a replay's, which applies the log in several parts. */
export function afterReplayEvent(board: Board, event: ReplayEvent, nowMs: number): Board {
  if (event.type === 'step-done') {
    const phase = PHASES_AFTER[event.step]
    return phase === undefined ? board : enterPhase(board, event.service, phase)
  }
  // A part that ends is a step.
  if (event.type === 'phase-entered' && event.phase === 'following') return board
  return afterConsumerEvent(board, event, nowMs)
}

const PHASES_AFTER: Partial<Record<Extract<ReplayEvent, { type: 'step-done' }>['step'], LanePhase>> = {
  'snapshot proven': 'following',
  'caught up': 'done',
  finished: 'done',
  merged: 'done',
}

function addChanges(board: Board, { service, changes }: { service: string; changes: number }): Board {
  const count = (board.changes.get(service) ?? 0) + changes
  return { ...board, changes: new Map(board.changes).set(service, count) }
}

/** The board after an event of a verification's. */
export function afterVerifyEvent(board: Board, event: VerifyEvent, nowMs: number): Board {
  switch (event.type) {
    case 'service-begun': {
      const begun = { ...board, serviceRows: new Map(board.serviceRows).set(event.service, event.rows) }
      return enterPhase(begun, event.service, 'moving')
    }
    case 'table-read':
      return enterPhase(addRows(board, { ...event, bytes: 0 }, nowMs), event.service, 'moving')
    case 'log-rows-read':
      return enterPhase(board, event.service, 'comparing')
    case 'service-verified':
      return enterPhase(board, event.service, 'done')
    case 'references-counted':
      return board
    default:
      return unreachable(event)
  }
}

const LANE_PHASES = { waiting: 'waiting', loading: 'moving', indexing: 'indexing', following: 'done' } as const

/** What a plan says of a table's rows. An estimate that reading has overtaken is raised with it. */
function expectRows(board: Board, service: string, entity: string, rows: number): Board {
  return changeTable(board, service, entity, () => ({ expectedRows: rows }))
}

function countRows(board: Board, service: string, entity: string, rows: number): Board {
  return changeTable(board, service, entity, () => ({ expectedRows: rows, isCounted: true }))
}

export function lanes(board: Board): Lane[] {
  if (board.phases.size > 1)
    return [...board.phases].map(([service, phase]) =>
      laneOf(
        service,
        phase,
        board.tables.filter((table) => table.service === service),
        { allRows: board.serviceRows.get(service), changes: board.changes.get(service) },
      ),
    )
  const phase = [...board.phases.values()][0] ?? 'waiting'
  return board.tables.map((table) => laneOf(table.entity, tablePhase(table, phase), [table]))
}

/** The sum of a board, for a terminal that has no room for more, and for plain lines. */
export function totalLane(board: Board): Lane {
  const phases = [...board.phases.values()]
  const phase =
    (['moving', 'comparing', 'indexing', 'waiting', 'following'] as const).find((candidate) =>
      phases.includes(candidate),
    ) ?? 'done'
  const known = board.serviceRows.size === board.phases.size
  const expected = known ? [...board.serviceRows.values()].reduce((sum, rows) => sum + rows, 0) : undefined
  const changes = [...board.changes.values()].reduce((sum, count) => sum + count, 0)
  return laneOf('all', phase, board.tables, { allRows: expected, changes })
}

interface Known {
  readonly allRows?: number | undefined
  readonly changes?: number | undefined
}

function laneOf(
  label: string,
  phase: LanePhase,
  tables: readonly TableProgress[],
  { allRows, changes = 0 }: Known = {},
): Lane {
  const known = tables.filter(({ expectedRows }) => expectedRows !== null)
  const expected = known.reduce((sum, { expectedRows, rows }) => sum + Math.max(expectedRows ?? 0, rows), 0)
  const hasBegun = tables.some(({ beganAtMs }) => beganAtMs !== null)
  return {
    label,
    phase: phase === 'moving' && !hasBegun ? 'waiting' : phase,
    rows: sumOf(tables, ({ rows }) => rows),
    bytes: sumOf(tables, ({ bytes }) => bytes),
    expectedRows: allRows ?? (known.length === tables.length ? expected : null),
    beganAtMs: least(tables.map(({ beganAtMs }) => beganAtMs)),
    changedAtMs: greatest(tables.map(({ changedAtMs }) => changedAtMs)),
    changes,
  }
}

function tablePhase(table: TableProgress, service: LanePhase): LanePhase {
  return service === 'moving' && table.isCounted && table.rows >= (table.expectedRows ?? 0) ? 'done' : service
}

function addRows(
  board: Board,
  { service, entity, rows, bytes }: { service: string; entity: string; rows: number; bytes: number },
  nowMs: number,
): Board {
  const changed = changeTable(board, service, entity, (table) => ({
    rows: table.rows + rows,
    bytes: table.bytes + bytes,
    beganAtMs: table.beganAtMs ?? nowMs,
    changedAtMs: nowMs,
  }))
  return board.phases.get(service) === 'waiting' ? enterPhase(changed, service, 'moving') : changed
}

function changeTable(
  board: Board,
  service: string,
  entity: string,
  change: (table: TableProgress) => Partial<TableProgress>,
): Board {
  const tables = board.tables.map((table) =>
    table.service === service && table.entity === entity ? { ...table, ...change(table) } : table,
  )
  return { ...board, tables }
}

function enterPhase(board: Board, service: string, phase: LanePhase): Board {
  return board.phases.has(service) ? { ...board, phases: new Map(board.phases).set(service, phase) } : board
}

function sumOf(tables: readonly TableProgress[], value: (table: TableProgress) => number): number {
  return tables.reduce((sum, table) => sum + value(table), 0)
}

function least(times: readonly (number | null)[]): number | null {
  return times.reduce((best, time) => (best === null || (time !== null && time < best) ? time : best), null)
}

function greatest(times: readonly (number | null)[]): number | null {
  return times.reduce((best, time) => (best === null || (time !== null && time > best) ? time : best), null)
}
