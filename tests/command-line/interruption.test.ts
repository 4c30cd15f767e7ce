import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { confirm, typedName, yesOrNo } from '../../infra/command-line/confirmation.ts'
import { Failure } from '../../contracts/failure.ts'
import { type Interruption, listenForInterruption } from '../../infra/command-line/interruption.ts'

interface Scene {
  readonly source: EventEmitter
  readonly interruption: Interruption
  readonly said: string[]
  readonly exits: number[]
  readonly clock: { ms: number }
}

function scene(endLimitMs?: number): Scene {
  const source = new EventEmitter()
  const [said, exits]: [string[], number[]] = [[], []]
  const clock = { ms: 0 }
  const interruption = listenForInterruption(
    // The emitter has the two methods of the process that are used.
    source as unknown as NodeJS.Process,
    { say: (line) => said.push(line), exit: (code) => exits.push(code) },
    { ...(endLimitMs === undefined ? {} : { endLimitMs }), now: () => clock.ms },
  )
  return { source, interruption, said, exits, clock }
}

test('the first Ctrl-C aborts what is under way and says what is waited for', () => {
  const { source, interruption, said, exits } = scene()
  interruption.busyWith('the pages')
  source.emit('SIGINT', 'SIGINT')
  assert.ok(interruption.signal.aborted)
  assert.is(interruption.exitCode(), 130)
  assert.equal(said, ['Interrupted: waiting for the pages to end; once more ends at once.'])
  assert.equal(exits, [])
  interruption.close()
})

test('the second ends at once, with the code of the first', () => {
  const { source, interruption, exits, clock } = scene()
  source.emit('SIGTERM', 'SIGTERM')
  clock.ms = 1000
  source.emit('SIGINT', 'SIGINT')
  assert.equal(exits, [143])
  interruption.close()
})

test('a Ctrl-C that npm forwards as well counts once', () => {
  const { source, interruption, exits, clock } = scene()
  source.emit('SIGINT', 'SIGINT')
  clock.ms = 40
  source.emit('SIGINT', 'SIGINT')
  assert.equal(exits, [])
  interruption.close()
})

test('what does not end is given up', async () => {
  const { source, interruption, said, exits } = scene(10)
  source.emit('SIGINT', 'SIGINT')
  await sleep(50)
  assert.equal(exits, [130])
  assert.is(said[1], 'Gave up waiting for what is under way after 0.01 s.')
  interruption.close()
})

test('nothing is listened for afterwards', () => {
  const { source, interruption } = scene()
  interruption.close()
  assert.is(source.listenerCount('SIGINT') + source.listenerCount('SIGTERM'), 0)
})

function terminal(answer: string | null): Parameters<typeof confirm>[0] {
  const [stdin, stderr] = [new PassThrough(), new PassThrough()]
  if (answer !== null) stdin.end(`${answer}\n`)
  // Pass-through streams stand for a terminal: the dialogue reads lines and writes text.
  return { stdin, stderr: Object.assign(stderr, {}) } as unknown as Parameters<typeof confirm>[0]
}

function asTerminal(streams: Parameters<typeof confirm>[0]): Parameters<typeof confirm>[0] {
  Object.assign(streams.stdin, { isTTY: true })
  Object.assign(streams.stderr, { isTTY: true })
  return streams
}

async function refusal(promise: Promise<void>): Promise<string> {
  return promise.then(
    () => 'agreed',
    (error: unknown) => (error instanceof Failure ? `${error.exitCode} ${error.message}` : String(error)),
  )
}

test('without a terminal nobody can agree', async () => {
  assert.is(
    await refusal(confirm(terminal(null), yesOrNo('This changes the monolith'), new AbortController().signal)),
    '4 This changes the monolith, and there is no terminal to ask on: add --yes to go on.',
  )
})

test('only yes is yes, and a name must be typed as it is', async () => {
  const { signal } = new AbortController()
  for (const [answer, expected] of [
    ['y', 'agreed'],
    ['YES', 'agreed'],
    ['', '4 Nothing was changed.'],
    ['yep', '4 Nothing was changed.'],
  ] as const)
    assert.is(await refusal(confirm(asTerminal(terminal(answer)), yesOrNo('x'), signal)), expected)
  assert.is(await refusal(confirm(asTerminal(terminal('staging')), typedName('x', 'staging'), signal)), 'agreed')
  assert.is(
    await refusal(confirm(asTerminal(terminal('y')), typedName('x', 'staging'), signal)),
    '4 Nothing was changed.',
  )
})

test.run()
