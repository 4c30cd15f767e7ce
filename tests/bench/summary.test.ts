import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { assertSameShape } from './copy-shape.ts'
import { elementScenario } from './element-scenario.ts'
import type { Machine } from './machine.ts'
import type { MeasuredPair, Round } from './measure.ts'
import { mixedScenario } from './mixed-scenario.ts'
import { type PeerName, versionOfPeer } from './peers.ts'
import { placeResults, reportMarkdown, reportText, RESULTS } from './report.ts'
import type { ScissionRun } from './scission-run.ts'
import { summarise } from './summary.ts'

const MB = 1_000_000
const size = { rows: 1000, copyBytes: 40 * MB }

const machine: Machine = {
  processor: 'Abacus',
  cores: 2,
  memoryBytes: 8e9,
  system: 'linux 6',
  syncMs: 1.25,
  startSeconds: 0.3,
  versions: { postgres: '15.18', pgcopydb: null },
}

function ours(seconds: number, more: Partial<ScissionRun> = {}): ScissionRun {
  const usage = {
    publisher: { cpuSeconds: 1, peakBytes: (100 + seconds) * MB },
    consumer: { cpuSeconds: 2, peakBytes: 90 * MB },
  }
  const endedAfterSeconds = { publisher: seconds / 2, consumer: seconds }
  return {
    seconds,
    endedAfterSeconds,
    prepareSeconds: 1,
    usage,
    logBytes: 16 * MB,
    messageBytes: 41 * MB,
    verification: null,
    ...more,
  }
}

function pair(peer: PeerName, our: ScissionRun, seconds: number): MeasuredPair {
  return { peer, ours: our, theirs: { seconds, usage: { [peer]: { cpuSeconds: 1, peakBytes: MB } } } }
}

function round(slowness: number): Round {
  const verified = ours(6 * slowness, { verification: { seconds: 3, sinkSeconds: 2 } })
  return {
    pairs: [pair('dumpRestore', verified, 12 * slowness), pair('copy', ours(4 * slowness), 8 * slowness)],
    defaultSync: ours(3 * slowness),
  }
}

const rounds = [round(1), round(5), round(2)]
const scenario = elementScenario(1000)
const summary = summarise(scenario, size, rounds)

test('ratios are ours by theirs, pair by pair, and null where a peer is missing', () => {
  assert.equal(summary.ratios, { pgcopydb: null, dumpRestore: 0.5, copy: 0.5 })
  assert.equal(summary.ratiosDefaultSync, { pgcopydb: null, dumpRestore: 0.25, copy: 0.375 })
  assert.is(summary.ratiosWithPrepare.dumpRestore, 13 / 24)
  assert.is(summary.pairs, 3)
})

test('times are medians of all runs, memory is the largest of any run', () => {
  const { scission, pgcopydb, dumpRestore } = summary.contenders
  assert.is(scission?.runs, 6)
  assert.is(scission?.seconds, 10)
  assert.equal([scission?.leastSeconds, scission?.mostSeconds], [4, 30])
  assert.is(scission?.rowsPerSecond, 100)
  assert.is(scission?.bytesPerSecond, 4 * MB)
  assert.is(dumpRestore?.seconds, 24)
  assert.is(pgcopydb, null)
  assert.equal(summary.rss, { publisher: 130 * MB, consumer: 90 * MB })
})

test('the log is told beside the COPY text, and verify beside a sink', () => {
  assert.is(summary.logBytes, 16 * MB)
  assert.is(summary.logByCopyText, 0.4)
  assert.equal(summary.verify, { seconds: 3, sinkSeconds: 2, ratio: 1.5 })
  assert.equal(summary.endedAfterSeconds, { publisher: 5, consumer: 10 })
})

test('where processes cannot be watched the times stand, and memory and log are null', () => {
  const blind = ours(6, { usage: {}, logBytes: null })
  const { rss, logBytes, logByCopyText, ratios } = summarise(scenario, size, [
    { pairs: [pair('copy', blind, 3)], defaultSync: blind },
  ])
  assert.equal(
    { rss, logBytes, logByCopyText },
    { rss: { publisher: null, consumer: null }, logBytes: null, logByCopyText: null },
  )
  assert.is(ratios.copy, 2)
})

test('the report names what was measured, on a terminal and as Markdown', () => {
  const text = reportText(machine, [summary])
  assert.match(text, 'pgcopydb not installed')
  assert.match(text, /pg_dump -Fc, pg_restore -j 2 +3 +24\.00 +12\.00 to 60\.00 +42 +1\.7 MB\/s +0\.50 +0\.54 +0\.25/)
  const markdown = reportMarkdown(machine, [summary], new Date('2024-06-01T12:00:00Z'))
  assert.match(markdown, 'Measured on 2024-06-01: Abacus, 2 cores')
  assert.match(markdown, '| psql COPY \\| COPY, then keys and indexes | 3 |')
  assert.match(markdown, 'bar [10.00, 6.00, 24.00, 16.00]')
})

test('results are put into the place that a page has for them, again and again', () => {
  const begin = '<!-- results: filled by npm run bench -- --markdown docs/benchmarks.md -->'
  const page = `# Page\n\n${begin}\n\nold\n\n<!-- end of results -->\n\nrest\n`
  const once = placeResults(page, 'new', RESULTS)
  assert.is(once, `# Page\n\n${begin}\n\nnew\n\n<!-- end of results -->\n\nrest\n`)
  assert.is(placeResults(once, 'new', RESULTS), once)
  assert.is(placeResults('', 'new', RESULTS), 'new\n')
})

test('a copy that is not that of the source stops the benchmark', () => {
  const source = ['t: 2 rows', 'index a']
  assert.not.throws(() => assertSameShape('x', source, source))
  assert.throws(() => assertSameShape('x', source, ['t: 1 rows', 'index a']), /lacks t: 2 rows; has t: 1 rows/)
  assert.throws(() => assertSameShape('x', source, ['t: 2 rows']), /lacks index a/)
})

test('the version of a peer is null where one of its programs is missing', async () => {
  const peer = { name: 'copy', title: '', script: '' } as const
  assert.is(await versionOfPeer({ ...peer, programs: ['node', 'no-such-program'] }), null)
  assert.is(await versionOfPeer({ ...peer, programs: ['node'] }), process.versions.node)
})

test('a scenario has one database for Element and ten for the monolith', () => {
  assert.is(elementScenario(50).set.services.length, 1)
  assert.is(mixedScenario(50).set.services.length, 10)
})

test.run()
