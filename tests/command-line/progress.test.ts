import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { laneLayout, laneText, type LaneStyle, shortened } from '../../infra/command-line/lane-text.ts'
import {
  afterConsumerEvent,
  afterPublisherEvent,
  afterVerifyEvent,
  type Board,
  emptyBoard,
  type Lane,
  lanes,
  totalLane,
} from '../../infra/command-line/progress-board.ts'
import { consumerLine, summaryLine, verifyLine } from '../../infra/command-line/progress-lines.ts'
import { contractSet } from '../../contracts/language/contract-set.ts'
import { entity, service } from '../../contracts/language/entity.ts'
import { text } from '../../contracts/language/types.ts'

const item = (): ReturnType<typeof entity> => entity({ id: text() }, { key: ['id'] })
const { services } = contractSet('shop', {
  services: { sales: service({ Order: item(), Line: item() }), stock: service({ Article: item() }) },
})

const plain = (part: string): string => part
const STYLE: LaneStyle = { full: '#', empty: '.', colourFull: plain, colourEmpty: plain, colourDone: plain }

const LANE: Lane = {
  label: 'modeling',
  phase: 'moving',
  rows: 310_000,
  bytes: 124_000_000,
  expectedRows: 620_000,
  beganAtMs: 0,
  changedAtMs: 10_000,
  changes: 0,
}

function shown(lane: Lane, columns: number): string {
  return laneText(lane, laneLayout(['modeling', 'notifications'], columns), STYLE, 10_000)
}

test('a line fits 80 and 60 columns, with its figures at fixed places', () => {
  assert.is(shown(LANE, 80), 'modeling       ##########.........   50%     310,000  124 MB   12 MB/s     0:10')
  assert.is(shown(LANE, 60), 'modeling       ####...   50%     310,000   12 MB/s     0:10')
})

test('a line never reaches the last column, and loses the bar before the figures', () => {
  for (let columns = 40; columns <= 200; columns++) {
    assert.ok(columns < 50 || shown(LANE, columns).length < columns, String(columns))
    for (const phase of ['waiting', 'moving', 'indexing', 'done'] as const)
      assert.is(shown({ ...LANE, phase, rows: 0, bytes: 0 }, columns).length, shown(LANE, columns).length)
  }
})

test('all is shown as done only when it is', () => {
  assert.match(shown({ ...LANE, rows: 620_000 }, 80), ' 99% ')
  assert.match(shown({ ...LANE, phase: 'done' }, 80), '100%')
  assert.match(shown({ ...LANE, phase: 'indexing' }, 80), 'indexes')
  assert.match(shown({ ...LANE, phase: 'waiting', rows: 0, expectedRows: null }, 80), 'waiting')
})

test('a label that is too long loses its end, visibly', () => {
  assert.is(shortened('RelationshipStereotypes', 12), 'Relationshi…')
  assert.is(shortened('User', 12), 'User')
})

function boardAfter(...events: Parameters<typeof afterConsumerEvent>[1][]): Board {
  return events.reduce((board, event, index) => afterConsumerEvent(board, event, index * 1000), emptyBoard(services))
}

const loaded = (entityName: string, rows: number) =>
  ({ type: 'pages-loaded', service: 'sales', entity: entityName, pages: 1, rows, bytes: rows * 10 }) as const
const expected = (entityName: string, rows: number) =>
  ({ type: 'expectation-known', service: 'sales', entity: entityName, rows }) as const

test('a service sums its tables, in the order of migration', () => {
  const board = boardAfter(
    { type: 'phase-entered', service: 'sales', phase: 'loading' },
    expected('Order', 100),
    expected('Line', 300),
    loaded('Order', 100),
    loaded('Line', 50),
  )
  assert.equal(lanes(board), [
    {
      label: 'sales',
      phase: 'moving',
      rows: 150,
      bytes: 1500,
      expectedRows: 400,
      beganAtMs: 3000,
      changedAtMs: 4000,
      changes: 0,
    },
    {
      label: 'stock',
      phase: 'waiting',
      rows: 0,
      bytes: 0,
      expectedRows: null,
      beganAtMs: null,
      changedAtMs: null,
      changes: 0,
    },
  ])
  assert.is(totalLane(board).phase, 'moving')
  assert.is(totalLane(board).expectedRows, null)
})

test('one service alone is shown by its tables', () => {
  const board = emptyBoard(services.slice(0, 1))
  assert.equal(
    lanes(board).map(({ label }) => label),
    ['Order', 'Line'],
  )
})

test("an estimate is raised by what was read beyond it, and replaced by a table's count when that is known", () => {
  const planned = afterPublisherEvent(
    emptyBoard(services),
    {
      type: 'snapshot-planned',
      entities: [{ service: 'stock', entity: 'Article', estimatedRows: 10, tableBytes: 0, chunks: 1 }],
    },
    0,
  )
  const page = { service: 'stock', entity: 'Article', rows: 25, bytes: 9 }
  const read = afterPublisherEvent(planned, { type: 'page-stored', ...page }, 1)
  assert.is(lanes(read)[1]?.expectedRows, 25)
  const completed = afterPublisherEvent(read, { type: 'entity-completed', ...page, rows: 26 }, 2)
  assert.equal([lanes(completed)[1]?.rows, lanes(completed)[1]?.expectedRows], [25, 26])
  const closed = afterPublisherEvent(completed, { type: 'manifest-closed', service: 'stock' }, 3)
  assert.is(lanes(closed)[1]?.phase, 'done')
})

test('plain lines say what moves, how fast and how much is left', () => {
  assert.is(summaryLine('consume', LANE, 10_000), 'consume: 310,000 of about 620,000 rows, 124 MB, 12 MB/s, 0:10 left')
  assert.is(summaryLine('consume', { ...LANE, phase: 'waiting' }, 10_000), null)
  const board = boardAfter(loaded('Order', 100), loaded('Order', 100))
  assert.is(
    consumerLine(board, { type: 'phase-entered', service: 'sales', phase: 'indexing' }),
    'sales: 200 rows, 2.0 kB loaded in 1.0 s; builds indexes and foreign keys',
  )
  assert.is(consumerLine(board, loaded('Order', 1)), null)
})

test('a verification is shown by the rows of the manifest, and a difference by name', () => {
  const begun = afterVerifyEvent(
    emptyBoard(services),
    { type: 'service-begun', service: 'sales', tables: 2, rows: 400 },
    0,
  )
  const table = { type: 'table-read', service: 'sales', entity: 'Line', rows: 300, equal: false } as const
  const read = afterVerifyEvent(begun, table, 1)
  assert.is(lanes(read)[0]?.expectedRows, 400)
  assert.is(lanes(read)[0]?.rows, 300)
  assert.is(verifyLine(table), "sales: Line differs; the log's rows are read to say where")
  assert.is(verifyLine({ ...table, equal: true }), null)
})

test.run()
