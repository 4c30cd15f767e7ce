import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  cpuSecondsOf,
  parsePeakBytes,
  parseResidentBytes,
  parseStat,
  readProcessTable,
  treeOf,
} from './process-table.ts'
import { present, type Program, timedRun } from './timed-run.ts'

const never = new AbortController().signal

test('a line of /proc/<pid>/stat is read, whatever the name of the process', () => {
  const line = '4711 (a) (b c) S 42 4711 4711 0 -1 4194560 901 2000 0 0 150 50 700 300 20 0 1 0 5000 1 1 1'
  assert.equal(parseStat(line), { pid: 4711, parent: 42, name: 'a) (b c', cpuSeconds: 2, reapedSeconds: 10 })
})

test('the resident set, and the largest so far, are read in bytes, and are 0 for a process that has gone', () => {
  assert.is(parseResidentBytes('VmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n'), 1024)
  assert.is(parseResidentBytes(''), 0)
  assert.is(parsePeakBytes('Name:\tnode\nVmPeak:\t  999 kB\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n'), 2048 * 1024)
  assert.is(parsePeakBytes(''), 0)
})

test('a tree is a process with all that descend from it, and its time is theirs', () => {
  const entry = (pid: number, parent: number) => ({ pid, parent, name: 'x', cpuSeconds: 1, reapedSeconds: 2 })
  const table = [entry(30, 20), entry(20, 10), entry(10, 1), entry(11, 1), entry(1, 0)]
  const tree = treeOf(table, 10)
  assert.equal(
    tree.map(({ pid }) => pid),
    [10, 20, 30],
  )
  assert.is(cpuSecondsOf(tree), 9)
  assert.equal(treeOf(table, 99), [])
})

test('the time that a real process and its child spend is found', async () => {
  if (!existsSync('/proc/self/stat')) return
  const loop = 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'
  const args = ['-c', `(${loop}); ${loop}; sleep 0.3`]
  const { seconds, usage } = await timedRun([{ name: 'busy', program: 'sh', args, environment: {} }], {}, never)
  assert.ok((usage['busy']?.cpuSeconds ?? 0) > 0.02, `${usage['busy']?.cpuSeconds} s of ${seconds} s`)
  assert.ok((usage['busy']?.peakBytes ?? 0) > 100_000)
})

test('our own process is in the table of processes', () => {
  if (!existsSync('/proc/self/stat')) return
  assert.is(readProcessTable().find(({ pid }) => pid === process.pid)?.parent, process.ppid)
})

test('a program that fails is told with what it said, and those that run beside it are ended', async () => {
  const slow = { name: 'slow', program: 'sleep', args: ['60'], environment: {} }
  const failing = { name: 'failing', program: 'sh', args: ['-c', 'echo nothing works >&2; exit 7'], environment: {} }
  const startedAt = performance.now()
  const message = await timedRun([slow, failing], {}, never).catch((error: Error) => error.message)
  assert.is(message, 'failing ended with 7: nothing works')
  assert.ok(performance.now() - startedAt < 30_000)
})

test('programs are ended when the run is interrupted, and one that is missing is named', async () => {
  const controller = new AbortController()
  const run = failureOf({ name: 'slow', program: 'sleep', args: ['60'], environment: {} }, controller.signal)
  controller.abort()
  assert.match(await run, /slow/)
  const missing = { name: 'missing', program: '/no/such/program', args: [], environment: {} }
  assert.match(await failureOf(missing, never), /missing could not be started/)
})

async function failureOf(program: Program, signal: AbortSignal): Promise<string> {
  return await timedRun([program], {}, signal).then(() => 'none', String)
}

test('a server whose process is unknown is not watched', () => {
  assert.equal(present({ known: 5, unknown: undefined }), { known: 5 })
})

test('a child that has ended was waited for', async () => {
  const child = spawn('true')
  await new Promise((resolve) => child.on('close', resolve))
  assert.not(readProcessTable().some(({ pid }) => pid === child.pid))
})

test.run()
