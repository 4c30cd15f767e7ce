import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { connectNats } from '../../../infra/nats/connect.ts'
import { createWaitOut, type WaitOut } from '../../../infra/nats/outage.ts'
import { hearsMajority, NotYetHeld } from '../../../infra/nats/stream-leader.ts'
import { withNats } from '../../with-servers.ts'

const SECOND_NS = 1_000_000_000

function peer(seconds: number, current = true) {
  return { name: 'peer', current, offline: false, active: seconds * SECOND_NS, lag: 0 }
}

test('a leader hears a majority where so many replicas answered of late as make one with it', () => {
  assert.ok(hearsMajority(undefined), 'no cluster')
  assert.ok(hearsMajority({ leader: 'one' }), 'no replicas')
  assert.ok(hearsMajority({ replicas: [peer(0.1), peer(60)] }), 'one of two others')
  assert.not.ok(hearsMajority({ replicas: [peer(4), peer(60)] }), 'none of late')
  assert.not.ok(hearsMajority({ replicas: [peer(0, false), peer(0, false)] }), 'none was ever heard of')
  assert.ok(hearsMajority({ replicas: [peer(1), peer(1), peer(9), peer(9)] }), 'two of four others')
  assert.not.ok(hearsMajority({ replicas: [peer(1), peer(9), peer(9), peer(9)] }), 'one of four others')
})

async function withWaitOut(use: (waitOut: WaitOut, notices: readonly string[]) => Promise<void>): Promise<void> {
  await withNats(async ({ url }) => {
    const connection = await connectNats({ url, credentialsFile: null, caFile: null }, 'test')
    const notices: string[] = []
    const notice = (text: string): void => void notices.push(text)
    try {
      const signal = new AbortController().signal
      await use(createWaitOut(connection, { maxOutageMs: 1_000, notice, signal }), notices)
    } finally {
      await connection.close()
    }
  })
}

test('what a stream lacks is asked for again, and believed after a while, without a word', () =>
  withWaitOut(async (waitOut, notices) => {
    let asked = 0
    const began = Date.now()
    const lacks = waitOut((_, isSure) => (isSure ? Promise.resolve('lacks it') : Promise.reject(new NotYetHeld())))
    const late = waitOut(() => ((asked += 1) < 3 ? Promise.reject(new NotYetHeld()) : Promise.resolve('has it')))
    assert.is(await late, 'has it')
    assert.is(await lacks, 'lacks it')
    assert.ok(Date.now() - began > 5_000, 'it was believed at once')
    assert.equal(notices, [])
  }))

test.run()
