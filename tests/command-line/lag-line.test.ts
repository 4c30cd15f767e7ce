import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { lagLine } from '../../infra/command-line/lag-line.ts'
import { exact, lagOf } from '../consumers/lag/lag-of.ts'

const AT = new Date('2026-01-02T03:04:05.678Z')
test('a line tells that all is well, in few words', () => {
  assert.is(lagLine({ services: [lagOf('iam'), lagOf('chat')] }, AT), '2026-01-02 03:04:05  ok  0 messages behind  0/s')
})

test('a line names whoever is not well, the worst first, and how far the oldest change is', () => {
  const slow = { status: 'warning' as const, messages: 30, messagesPerSecond: 12.4 }
  const services = [
    lagOf('iam', { ...slow, hops: { toLog: exact(0.5), toConsumer: exact(1), toDatabase: exact(4) } }),
    lagOf('chat', {
      status: 'stop',
      messages: 1,
      hops: { toLog: exact(0.5), toConsumer: exact(9), toDatabase: exact(9) },
    }),
    { service: 'settings', status: 'unknown' as const },
  ]
  assert.is(
    lagLine({ services }, AT),
    '2026-01-02 03:04:05  settings unknown, chat stop, iam warning  to log 0.5 s  applied 9.0 s (chat)  31 messages behind  12/s',
  )
})

test('a line tells what nothing tells', () => {
  const unknown = { seconds: 0, bound: 'at least' as const }
  const services = [lagOf('iam', { hops: { toLog: unknown, toConsumer: unknown, toDatabase: unknown } })]
  assert.is(lagLine({ services }, AT), '2026-01-02 03:04:05  ok  to log ?  applied ? (iam)  0 messages behind  0/s')
})

test.run()
