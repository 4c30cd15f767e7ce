import { PassThrough } from 'node:stream'
import picocolors from 'picocolors'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { ParkedTransaction } from '../../consumers/parked/parked-transactions.ts'
import { noteProblems } from '../../infra/command-line/lag-problems.ts'
import { errorSentences, parkedSentences } from '../../infra/command-line/lag-text.ts'
import { openJsonLog } from '../../infra/command-line/json-log.ts'
import { createTextLog } from '../../infra/command-line/log.ts'
import { openOutput, type Output } from '../../infra/command-line/output.ts'
import { discardedText, listText, retriedText, shownText } from '../../infra/command-line/parked-text.ts'
import { emptyBoard } from '../../infra/command-line/progress-board.ts'
import { consumerLine, publisherLine } from '../../infra/command-line/progress-lines.ts'
import type { VerbContext } from '../../infra/command-line/verb.ts'
import { lagOf } from '../consumers/lag/lag-of.ts'

/** What somebody may have written into a database, for whoever reads of it: a title, a colour, another line. */
const FOREIGN = 'no \u001B]0;pwned\u0007 \u001B[31m \u009B2J\u202E\r row'
const CLEAN = 'no  ]0;pwned   [31m  2J  row'

/** @throws where a terminal would do anything else with it than to show it. */
function assertShown(text: string): void {
  assert.ok(text.includes(CLEAN), JSON.stringify(text))
  assert.not.match(text, /[^\P{Cc}\n]|\u202E/u)
}

test('what a consumer said, and why it stopped, is shown, and not obeyed', () => {
  const stopped = { position: '0/30', reason: FOREIGN, state: 'stopped' as const }
  const lag = lagOf('sales', { isConsumed: false, stopped, lastError: { text: FOREIGN, secondsAgo: 1 } })
  for (const sentences of [parkedSentences([lag], 1_000), errorSentences([lag], 1_000)])
    assertShown(sentences.join('\n'))
})

test('why something cannot be told is shown, and not obeyed', () => {
  const lines: string[] = []
  const context = {
    log: createTextLog(() => undefined),
    output: { note: (line: string) => void lines.push(line) },
  } as unknown as VerbContext
  noteProblems(context, { problems: [{ exitCode: 4, sentence: FOREIGN }] })
  assertShown(lines.join('\n'))
})

test('what is parked is shown, and not obeyed', () => {
  const transaction: ParkedTransaction = {
    position: '0/30',
    state: 'parked',
    reason: FOREIGN,
    notedAt: null,
    changes: 1,
    entities: [FOREIGN],
  }
  const value = { column: FOREIGN, value: '"a  b"' }
  const shown = [{ ordinal: 0, op: 'insert' as const, entity: FOREIGN, key: [value], row: [value] }]
  for (const text of [
    listText([{ service: 'sales', transactions: [transaction] }], 1_000),
    shownText('sales', { ...transaction, shown }, 1_000),
    retriedText('sales', [{ positions: ['0/30'], changes: 1, refused: FOREIGN }], { columns: 1_000, dryRun: true }),
    discardedText('sales', transaction, { columns: 1_000, dryRun: true }),
  ])
    assertShown(text)
})

test('notices, failures and defects are shown, and not obeyed; their lines stay', () => {
  const board = emptyBoard([])
  assertShown(publisherLine(board, { type: 'notice', text: FOREIGN }) ?? '')
  assertShown(consumerLine(board, { type: 'notice', service: 'sales', text: FOREIGN }) ?? '')
  const lines: string[] = []
  const log = createTextLog((line) => void lines.push(line))
  log.info({ event: 'notice' }, FOREIGN)
  log.warn({ event: 'notice' }, FOREIGN)
  log.error({ event: 'failed', exitCode: 4 }, `- ${FOREIGN}\n- ${FOREIGN}`)
  log.error({ event: 'failed', exitCode: 1, err: { type: 'Error', message: '', stack: `${FOREIGN}\n    at x` } }, '')
  for (const line of lines) assertShown(line)
  assert.match(lines[2] ?? '', /^scission: - [^\n]+\n- [^\n]+$/)
  assert.match(lines[3] ?? '', /\n {4}at x$/)
})

test('a line of JSON has nothing that a terminal obeys, and says the same', () => {
  const lines: string[] = []
  openJsonLog({ verb: 'consume', urls: [], write: (line) => void lines.push(line) }).warn({ event: 'notice' }, FOREIGN)
  assert.not.match(lines.join(''), /[^\P{Cc}\n]/u)
  assert.is(Reflect.get(Object(JSON.parse(lines[0] ?? '')), 'msg'), FOREIGN)
})

function outputOf(isTTY: boolean): { output: Output; written: () => string[] } {
  const streams = [new PassThrough(), new PassThrough()].map((stream) => Object.assign(stream, { isTTY }))
  const [stdout, stderr] = streams
  return {
    output: openOutput({ stdout, stderr } as unknown as Parameters<typeof openOutput>[0]),
    written: () => streams.map((stream) => String(stream.read())),
  }
}

test('whatever a verb writes, a terminal obeys colours alone; a program gets its data as they are', () => {
  const { red } = picocolors.createColors(true)
  const text = `${red('error')}\ta\n  b \u001B]0;pwned\u0007\u009B2J`
  const clean = `${red('error')}\ta\n  b  ]0;pwned  2J\n`
  const onTerminal = outputOf(true)
  onTerminal.output.data(text)
  onTerminal.output.note(text)
  assert.equal(onTerminal.written(), [clean, clean])
  const piped = outputOf(false)
  piped.output.data(text)
  piped.output.note(text)
  assert.equal(piped.written(), [`${text}\n`, clean])
  const aboveBars: string[] = []
  onTerminal.output.raise({ log: (line) => void aboveBars.push(line), stop: () => undefined })
  onTerminal.output.note(text)
  assert.equal(aboveBars, [clean.slice(0, -1)])
})

test.run()
