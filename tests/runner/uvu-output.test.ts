import { spawnSync } from 'node:child_process'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { uvuSummaries } from './uvu-output.ts'

test("uvu's own summary is read, in colours or without", () => {
  const source = `
    import { test } from 'uvu'
    test('a', () => {})
    test('b', () => { throw new Error('no') })
    test.skip('c', () => {})
    test.run()`
  for (const colour of ['0', '1']) {
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
      encoding: 'utf8',
      env: { ...process.env, FORCE_COLOR: colour },
    })
    assert.equal(uvuSummaries(stdout), [{ total: 2, passed: 1, skipped: 1 }])
  }
})

test('a summary that another text merely quotes is none', () => {
  assert.equal(uvuSummaries('it printed Total:     3 and Passed:    3'), [])
})

test.run()
