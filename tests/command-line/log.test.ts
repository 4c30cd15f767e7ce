import { EventEmitter } from 'node:events'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { logFormOf } from '../../infra/configuration/log-form.ts'
import { openJsonLog } from '../../infra/command-line/json-log.ts'
import { createTextLog, type LogFields, runsForLong, wantsJson } from '../../infra/command-line/log.ts'
import { logWordsOfNode } from '../../infra/command-line/words-of-node.ts'

test('what runs for long is told in JSON where no terminal is, unless something else is asked for', () => {
  const publish = { arguments: ['publish', '--json'] }
  assert.is(wantsJson({ form: 'auto', ...publish, isTerminal: false }), true)
  assert.is(wantsJson({ form: 'auto', ...publish, isTerminal: true }), false)
  assert.is(wantsJson({ form: 'text', ...publish, isTerminal: false }), false)
  assert.is(wantsJson({ form: 'json', ...publish, isTerminal: true }), true)
  assert.is(wantsJson({ form: 'auto', arguments: ['verify'], isTerminal: false }), false)
  assert.is(wantsJson({ form: 'json', arguments: ['verify'], isTerminal: false }), true)
})

test('publish and consume run for long, and lag where it is told to', () => {
  for (const given of [['publish'], ['consume', 'iam'], ['lag', '--follow'], ['lag', 'iam', '--serve=8080']])
    assert.is(runsForLong(given), true, given.join(' '))
  for (const given of [['lag'], ['lag', '--max-lag', '5s'], ['prepare'], ['--help'], [], ['status', '--follow']])
    assert.is(runsForLong(given), false, given.join(' '))
})

test('a form that does not exist counts as auto, and is refused with the configuration', () => {
  assert.is(logFormOf('JSON'), 'auto')
  assert.is(logFormOf(undefined), 'auto')
  assert.is(logFormOf('text'), 'text')
})

test('a log of sentences has them alone; a failure is told as ever, a defect with its stack', () => {
  const lines: string[] = []
  const log = createTextLog((line) => void lines.push(line))
  log.info({ event: 'notice', service: 'iam' }, 'iam: is back')
  log.warn({ event: 'notice' }, 'is away')
  log.error({ event: 'failed', exitCode: 4 }, 'refused.')
  log.error({ event: 'failed', exitCode: 1, err: { type: 'TypeError', message: 'm', stack: 'the stack' } }, 'm')
  assert.equal(lines, ['iam: is back', 'is away', 'scission: refused.', 'scission: the stack'])
})

test("Node's warnings and what nobody caught are lines too, and the process ends as it would", () => {
  const node = new EventEmitter()
  node.on('warning', () => assert.unreachable("Node's own"))
  const lines: string[] = []
  const log = openJsonLog({ verb: 'consume', urls: ['x://a:hidden-1@b'], write: (line) => void lines.push(line) })
  const codes: number[] = []
  logWordsOfNode(node as NodeJS.Process, log, (code) => void codes.push(code))
  node.emit('warning', new RangeError('too many listeners'))
  node.emit('uncaughtException', new TypeError('no hidden-1', { cause: new Error('hidden-1') }))
  const [warning = '', failure = ''] = lines
  assert.match(warning, '"level":"warn"')
  assert.match(warning, '"msg":"Node warns: RangeError: too many listeners"')
  assert.match(failure, '"event":"failed","exitCode":1,"err":{"type":"TypeError","message":"no ***"')
  assert.match(failure, 'Caused by: Error: ***')
  assert.not.match(failure, 'hidden-1')
  assert.equal(codes, [1])
})

function linesOf(urls: readonly string[], fields: LogFields, sentence: string): { text: string; line: unknown } {
  const lines: string[] = []
  openJsonLog({ verb: 'consume', urls, write: (line) => void lines.push(line) }).warn(fields, sentence)
  const [text = ''] = lines
  assert.is(lines.length, 1)
  assert.match(text, /^[^\n]+\n$/)
  return { text, line: JSON.parse(text) }
}

test('a line has level, time, verb, event, fields and sentence, in this order', () => {
  const { text } = linesOf([], { event: 'phase-entered', service: 'iam', phase: 'loading' }, 'iam: loads\nmuch')
  assert.match(
    text,
    /^\{"level":"warn","time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","verb":"consume","event":"phase-entered","service":"iam","phase":"loading","msg":"iam: loads\\nmuch"\}\n$/,
  )
})

test('no password stands in a line, wherever it was and however JSON writes it', () => {
  for (const password of ['hidden-1', 'hid"den\\2', 'hïdden-3', 'hidden\u00204', 'hidden\t5']) {
    const encoded = encodeURIComponent(password)
    const url = `postgres://iam:${encoded}@host:5432/iam`
    const nats = `nats://a:${encoded}@one:4222,nats://a:${encoded}@two:4222`
    const { text } = linesOf(
      [url, nats],
      {
        event: 'failed',
        exitCode: 1,
        err: { type: 'Error', message: `no ${password}`, stack: `Error: ${url}\n at ${password}` },
        reasons: [{ said: `${password}!` }, nats],
        password,
        nested: { token: 'another' },
      },
      `Cannot reach ${url}: ${password} is wrong`,
    )
    for (const form of [password, encoded, JSON.stringify(password).slice(1, -1), 'another'])
      assert.not.ok(text.includes(form), `${form} in ${text}`)
    assert.match(text, 'Cannot reach postgres://iam:***@host:5432/iam')
  }
})

test('an event keeps its name, though it be a password', () => {
  const { line } = linesOf(['postgres://a:failed@h/d'], { event: 'failed', exitCode: 4 }, 'failed.')
  assert.is(Reflect.get(Object(line), 'event'), 'failed')
  assert.is(Reflect.get(Object(line), 'msg'), '***.')
})

test.run()
