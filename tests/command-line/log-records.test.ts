import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { contractSet } from '../../contracts/language/contract-set.ts'
import { entity, service } from '../../contracts/language/entity.ts'
import { text } from '../../contracts/language/types.ts'
import { type Log, type LogFields, type LogRecord, OWN_EVENTS } from '../../infra/command-line/log.ts'
import { consumerRecord, publisherRecord, replayRecord, verifyRecord } from '../../infra/command-line/log-records.ts'
import { addToSums, type EventSums, isSummed, sumRecord, type SummedEvent } from '../../infra/command-line/log-sums.ts'
import { openLoggedProgress } from '../../infra/command-line/logged-progress.ts'
import { afterConsumerEvent, afterPublisherEvent, emptyBoard } from '../../infra/command-line/progress-board.ts'
import { CONSUMER_EVENTS, PUBLISHER_EVENTS, REPLAY_EVENTS, VERIFY_EVENTS } from './every-event.ts'
import { readLogsPage } from './logs-page.ts'

const item = (): ReturnType<typeof entity> => entity({ id: text() }, { key: ['id'] })
const { services } = contractSet('shop', {
  services: { sales: service({ Order: item(), Line: item() }), stock: service({ Article: item() }) },
})

const documented = await readLogsPage()

function summed(...events: readonly SummedEvent[]): LogRecord[] {
  const board = emptyBoard(services)
  const sums = events.reduce<EventSums>((sofar, event, index) => addToSums(sofar, event, index * 1000), new Map())
  return [...sums.values()].map((sum) => sumRecord(sum, board, 5_000))
}

function only(made: readonly LogRecord[]): LogRecord {
  assert.is(made.length, 1)
  const [record] = made
  if (record === undefined) throw new Error('No record')
  return record
}

/** What is written of one event of a type. */
function records(): { readonly of: string; readonly record: LogRecord }[] {
  const board = emptyBoard(services)
  return [
    ...Object.values(PUBLISHER_EVENTS).map((event) => ({
      of: 'publish',
      record: isSummed(event) ? only(summed(event)) : publisherRecord(board, event),
    })),
    ...Object.values(CONSUMER_EVENTS).map((event) => ({
      of: 'consume',
      record: isSummed(event) ? only(summed(event)) : consumerRecord(board, event),
    })),
    ...Object.values(REPLAY_EVENTS).map((event) => ({ of: 'replay', record: replayRecord(board, event) })),
    ...Object.values(VERIFY_EVENTS).map((event) => ({
      of: 'verify',
      record: isSummed(event) ? only(summed(event)) : verifyRecord(event),
    })),
  ]
}

test('docs/logs.md names exactly the events that there are, with exactly their fields', () => {
  const told = records()
    .filter(({ record }) => record.fields.event !== 'notice')
    .map(({ of, record }) => ({ of, ...nameAndFields(record.fields) }))
  const ofEachVerb = documented.filter(({ of }) => of !== 'every command')
  assert.equal(sorted(ofEachVerb), sorted(told))
})

test('docs/logs.md names exactly what every command tells', () => {
  const own = documented.filter(({ of }) => of === 'every command').map(({ event }) => event)
  assert.equal(own.toSorted(), OWN_EVENTS.toSorted())
})

interface Named {
  readonly of: string
  readonly event: string
  readonly fields: readonly string[]
}

function nameAndFields({ event, ...fields }: LogFields): { event: string; fields: string[] } {
  return { event, fields: Object.keys(fields) }
}

function sorted(events: readonly Named[]): string[] {
  return events.map(({ of, event, fields }) => `${of} ${event}: ${fields.toSorted().join(', ')}`).toSorted()
}

test('each record has a sentence of one line, and nothing that JSON cannot hold', () => {
  for (const { record } of records()) {
    assert.match(record.sentence, /^\S[^\n]*\S$/, record.fields.event)
    assert.equal(JSON.parse(JSON.stringify(record.fields)), record.fields)
  }
})

test('what comes often is one line, with sums and rates, for each service', () => {
  const page = PUBLISHER_EVENTS['page-stored']
  const stored = summed(page, { ...page, entity: 'Line', rows: 90, bytes: 900 }, { ...page, service: 'stock' })
  assert.equal(
    stored.map(({ sentence }) => sentence),
    ['sales: 100 rows, 1.0 kB stored in 5.0 s', 'stock: 10 rows, 100 B stored in 3.0 s'],
  )
  const { event, pages, rows, bytes, seconds, rowsPerSecond, bytesPerSecond } = stored[0]?.fields ?? { event: 'note' }
  assert.equal([event, pages, rows, bytes, seconds], ['page-stored', 2, 100, 1000, 5])
  assert.equal([rowsPerSecond, bytesPerSecond], [20, 200])
  const applied = CONSUMER_EVENTS['changes-applied']
  const changes = only(summed(applied, { ...applied, oneByOne: true }, applied))
  assert.is(changes.sentence, 'sales: 9 changes of 6 transactions applied, some one by one in 5.0 s')
  assert.is(changes.fields['oneByOne'], true)
  assert.is(changes.fields['changesPerSecond'], 2)
})

test('no rate is told of a moment', () => {
  const sums = addToSums(new Map(), CONSUMER_EVENTS['pages-loaded'], 0)
  for (const sum of sums.values()) assert.is(sumRecord(sum, emptyBoard(services), 300).fields['rowsPerSecond'], null)
})

test('totals and what is left are those of the service', () => {
  const { 'pages-loaded': loaded, 'expectation-known': known } = CONSUMER_EVENTS
  const events = [known, { ...known, entity: 'Line', rows: 30 }, loaded] as const
  const board = events.reduce((before, event) => afterConsumerEvent(before, event, 1_000), emptyBoard(services))
  const [sum] = addToSums(new Map(), loaded, 1_000).values()
  assert.ok(sum)
  const { fields } = sumRecord(sum, board, 3_000)
  assert.equal([fields['totalRows'], fields['expectedRows'], fields['secondsLeft']], [10, 40, 6])
})

test('an outage is a warning, and its end is not', () => {
  const away = { type: 'notice', service: 'sales', text: 'NATS does not answer: waiting for it, up to 900 s.' } as const
  const board = emptyBoard(services)
  assert.is(consumerRecord(board, { ...away, isFault: true }).level, 'warn')
  assert.is(consumerRecord(board, { ...away, text: 'NATS answers again.' }).level, 'info')
  assert.is(publisherRecord(board, { type: 'notice', text: 'NATS answers again.' }).level, 'info')
  assert.is(verifyRecord(VERIFY_EVENTS['table-read']).level, 'warn')
})

test('a sum is written before what closes it, and what is left in the end', () => {
  const lines: string[] = []
  const tell = (_: LogFields, sentence: string): void => void lines.push(sentence)
  const log: Log = { isJson: true, info: tell, warn: tell, error: tell }
  const progress = openLoggedProgress(log, services)
  progress.consumer({ ...CONSUMER_EVENTS['phase-entered'], phase: 'loading' })
  for (let page = 0; page < 1_000; page++) progress.consumer(CONSUMER_EVENTS['pages-loaded'])
  progress.consumer(CONSUMER_EVENTS['phase-entered'])
  progress.consumer(CONSUMER_EVENTS['changes-applied'])
  progress.end()
  progress.end()
  const shapes = lines.map((line) => line.replace(/ in \d.*? s\b/, ''))
  assert.is(shapes.at(-1), 'sales: 3 changes of 2 transactions applied')
  // A machine that stands still for seconds between two pages has the sum in two lines.
  const sums = shapes.slice(1, -2)
  assert.ok(sums.length >= 1 && sums.every((line) => / rows, .* loaded$/.test(line)), lines.join('\n'))
  assert.is(shapes[0], 'sales: loads')
  assert.is(shapes.at(-2), 'sales: 10,000 rows, 100 kB loaded; builds indexes and foreign keys')
})

test('the rows of a snapshot that an earlier run began count from where it was', () => {
  const { 'entity-resumed': resumed, 'page-stored': page } = PUBLISHER_EVENTS
  const board = [resumed, page].reduce((before, event) => afterPublisherEvent(before, event, 0), emptyBoard(services))
  const [sum] = addToSums(new Map(), page, 0).values()
  assert.ok(sum)
  assert.is(sumRecord(sum, board, 2_000).fields['totalRows'], 30)
})

test.run()
