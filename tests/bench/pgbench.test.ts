import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transactionOf } from './pgbench.ts'

test('a line of the log of pgbench is a transaction with its end and its latency', () => {
  assert.equal(transactionOf('0 199 2241 0 1175850568 995598 120'), {
    endedAtMs: 1_175_850_568_995.598,
    latencyMs: 2.241,
  })
})

test('a line that is none is refused', () => {
  assert.throws(() => transactionOf('starting'), 'pgbench logged starting')
})

test.run()
