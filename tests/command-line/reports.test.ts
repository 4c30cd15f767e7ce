import { PassThrough } from 'node:stream'
import picocolors from 'picocolors'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { contractSet } from '../../contracts/language/contract-set.ts'
import { entity, service } from '../../contracts/language/entity.ts'
import { text } from '../../contracts/language/types.ts'
import { demoReport, demoText } from '../../infra/command-line/demo-report.ts'
import { createTextLog, type Log } from '../../infra/command-line/log.ts'
import { openOutput, type Output } from '../../infra/command-line/output.ts'
import { preflightText } from '../../infra/command-line/preflight.ts'
import { openProgress } from '../../infra/command-line/progress.ts'
import { openSteps, stepText } from '../../infra/command-line/steps.ts'
import { doneText, plannedText, stepCount } from '../../infra/command-line/steps-text.ts'
import type { World } from '../../infra/command-line/terminal.ts'
import { rowText, verifyText } from '../../infra/command-line/verify-text.ts'
import type { RowDifference, TableReport, VerifyReport } from '../../infra/verify/report.ts'

const plain = picocolors.createColors(false)

test('a finding is told with its cure, and the verdict with its counts', () => {
  const finding = { check: 'wal-level', subject: 'the monolith', problem: 'wal_level is replica.', cure: 'Set it.' }
  assert.is(
    preflightText([{ ...finding, severity: 'error' }], plain, 80),
    'error  the monolith\n  wal_level is replica.\n  Set it.\n\n1 error in the way: prepare would refuse.',
  )
  assert.match(
    preflightText([{ ...finding, severity: 'warning' }], plain, 80),
    /^warning.*\n\nNothing is in the way: prepare may begin \(1 warning\)\.$/s,
  )
  assert.is(preflightText([], plain, 80), 'Nothing is in the way: prepare may begin.')
})

test('steps are listed before they are taken, and counted afterwards', () => {
  const step = { subject: 'NATS', action: 'create stream S', statements: [] }
  const left = {
    subject: 'the monolith',
    action: 'drop slot s',
    statements: [],
    outcome: 'left',
    reason: 'it is in use',
  }
  const steps = [
    { ...step, outcome: 'planned' },
    { ...step, action: 'create stream T', outcome: 'present' },
    { ...left, outcome: 'left' },
  ] as const
  assert.is(plannedText(steps), 'NATS\n  create stream S\nthe monolith\n  not: drop slot s (it is in use)')
  assert.is(stepCount(steps), '1 step in 1 place')
  assert.is(
    doneText([{ ...step, outcome: 'done' }, steps[1], steps[2]]),
    [
      'place         done  so already',
      'NATS             1           1',
      'the monolith     0           0',
      '',
      'the monolith: not: drop slot s (it is in use)',
    ].join('\n'),
  )
})

const key = [{ column: 'id', value: '"7"' }]

test('each kind of a difference is a sentence', () => {
  const column = { column: 'note', expected: '"a "', found: '"a"', character: 2 }
  const differences: [RowDifference, string][] = [
    [{ kind: 'missing', key }, 'id "7": is missing here'],
    [{ kind: 'extra', key }, 'id "7": is not in the log'],
    [{ kind: 'count', key, expected: 1, found: 2 }, 'id "7": is here 2 times, and 1 time in the log'],
    [{ kind: 'different', key, columns: [column] }, 'id "7": note is "a", and "a " in the log (from character 2 on)'],
  ]
  for (const [difference, sentence] of differences) assert.is(rowText(difference, 'log'), sentence)
})

function report(table: Partial<TableReport>): VerifyReport {
  const tables = [
    {
      entity: 'Order',
      verified: false,
      expected: { rows: 10, digest: '0' },
      found: { rows: 9, digest: '1' },
      differences: { total: 3, rows: [{ kind: 'missing', key }], note: null },
      structure: [],
      ...table,
    } as const,
  ]
  const verified = tables.every((each) => each.verified)
  return {
    verified,
    verifiedAt: '2026-01-01T00:00:00.000Z',
    contractSet: 'shop',
    prefix: 'shop',
    epoch: 1,
    consistencyPoint: '0/1',
    monolith: null,
    against: 'log' as const,
    versions: { wire: 1, node: 'v20', nats: '2.10.27' },
    seconds: 2,
    services: [{ service: 'sales', verified, seconds: 1, postgres: '15.18', parked: 0, tables }],
    references: [],
  }
}

test('a difference is told with what is not named of it', () => {
  assert.is(
    verifyText(report({}), plain, 100),
    [
      'service  tables  rows   time',
      'sales         1    10  1.0 s  DIFFERENT',
      '',
      'sales.Order: 3 rows differ (10 in the log, 9 here)',
      '- id "7": is missing here',
      '- and 2 more (--limit)',
      '',
      'NOT verified: 1 table of 1 differ from the monolith as of 0/1 (epoch 1), in 2.0 s.',
    ].join('\n'),
  )
})

test('blanks of values stay as they are', () => {
  const value = { column: 'note', expected: `"a   ${'b '.repeat(50)} "`, found: '"  "', character: null }
  const differences = { total: 1, rows: [{ kind: 'different', key, columns: [value] }], note: null } as const
  assert.match(verifyText(report({ differences }), plain, 40), `note is "  ", and ${value.expected} in the log`)
})

test('a structure that differs is told where rows are equal', () => {
  const differences = { total: 0, rows: [], note: null }
  assert.match(
    verifyText(report({ differences, structure: ['Index Order_note_idx is missing.'] }), plain, 80),
    '\n\nsales.Order: its rows are equal, its structure is not\n- Index Order_note_idx is missing.\n\n',
  )
})

test('the demonstration is verified only where each service is', () => {
  const loaded = [{ service: 'sales', bytes: 1000, seconds: 1.25 }]
  const work = { transactions: 12, refused: 1 }
  const run = { elements: 50, seed: 1, seconds: 9, steps: {}, loaded, work, appliedChanges: 30 }
  const differs = demoReport({ ...run, verification: report({}) })
  assert.is(differs.verified, false)
  assert.match(
    demoText(differs, { colours: plain, columns: 80 }),
    /sales +1 +9 +1\.0 kB +1\.\d +DIFFERENT\n\nOnly 0 of 1 /,
  )
  const equal = demoReport({ ...run, verification: report({ verified: true }) })
  assert.equal(equal.services, [{ service: 'sales', tables: 1, rows: 9, bytes: 1000, seconds: 1.25, verified: true }])
  assert.match(demoText(equal, { colours: plain, columns: 80 }), /equal\n\nOne monolith of 9 rows became 1 database, /)
})

test('a step fits its line, its time at the edge', () => {
  for (const columns of [60, 80, 200]) {
    const line = stepText({ name: 'monolith', detail: 'x'.repeat(300), seconds: 61 }, { columns, colours: plain })
    assert.is(line.length, Math.min(columns, 80) - 1)
    assert.match(line, /… 1 min 01 s$/)
  }
})

/** A terminal of some size, and what is written to it. */
function screen(columns: number, rows: number): { world: World; output: Output; log: Log; written: () => string } {
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns, rows })
  const chunks: string[] = []
  stderr.on('data', (chunk: Buffer) => chunks.push(chunk.toString('utf8')))
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr }
  const world = {
    arguments: [],
    environment: { NO_COLOR: '1' },
    folder: '/',
    defaultContracts: '',
    ...streams,
  } as unknown as World // The streams of a process have more than what is used of them.
  const output = openOutput(world)
  const log = createTextLog((line) => output.note(line))
  return { world, output, log, written: () => chunks.join('') }
}

const item = (): ReturnType<typeof entity> => entity({ id: text() }, { key: ['id'] })
const names = Array.from({ length: 12 }, (_, index) => `service_${index}`)
const many = contractSet('many', {
  services: Object.fromEntries(names.map((name) => [name, service({ [`Item_${name}`]: item() })])),
}).services

test('bars take no more lines than the terminal has', () => {
  for (const [rows, lines] of [
    [30, 12],
    [13, 1],
  ] as const) {
    const { log, output, world, written } = screen(80, rows)
    const progress = openProgress({ world, output, log }, many, 'consume')
    progress.consumer({ type: 'notice', service: 'service_3', text: 'a word above the bars' })
    progress.end()
    // The last frame is what stays on the screen.
    const last = written().slice(written().lastIndexOf('\u001b[0J'))
    assert.is(last.match(/waiting/g)?.length, lines)
    assert.match(written(), 'service_3: a word above the bars')
    assert.match(written(), '\u001b[?25h', 'the cursor is shown again')
  }
})

test('without a terminal there are lines, one for a phase', () => {
  const { log, output, world, written } = screen(80, 30)
  Object.assign(world.stderr, { isTTY: false })
  const progress = openProgress({ world, output, log }, many, 'consume')
  for (const phase of ['waiting', 'loading', 'indexing', 'following'] as const)
    progress.consumer({ type: 'phase-entered', service: 'service_1', phase })
  for (let page = 0; page < 100; page++)
    progress.consumer({
      type: 'pages-loaded',
      service: 'service_1',
      entity: 'Item_service_1',
      pages: 1,
      rows: 1,
      bytes: 1,
    })
  progress.end()
  assert.is(written().split('\n').length, 5)
  assert.not.match(written(), '\u001b')
})

test('a step that fails leaves no line, and one that succeeds its time', async () => {
  const { output, world, written } = screen(80, 30)
  const steps = openSteps(world, output)
  assert.is(
    await steps.run(
      'good',
      async () => 1,
      () => 'done well',
    ),
    1,
  )
  const failure = await steps.run('bad', async () => Promise.reject(new Error('no')), String).catch(String)
  assert.is(failure, 'Error: no')
  assert.equal(Object.keys(steps.seconds), ['good'])
  assert.match(written(), /good {8}done well +0\.\d s\n/)
  assert.ok(written().endsWith('\r\u001b[K'))
})

test.run()
