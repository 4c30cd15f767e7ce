import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ownLoader } from '../../publisher/keeper.ts'

const TSX = import.meta.resolve('tsx')

test('a keeper reads TypeScript as its publisher was told to, from whatever folder', () => {
  const compiled = 'file:///project/load-compiled.mjs?folder=out'
  // What else it was to load is its own business.
  const flags = ['--enable-source-maps', '--import', compiled, '--import', 'file:///project/end-with-runner.ts']
  assert.equal(ownLoader(flags), ['--import', compiled])
  assert.equal(ownLoader(['--import', 'tsx', '--max-semi-space-size=2']), ['--import', TSX])
})

test('a keeper whose publisher was told nothing reads it by tsx', () => {
  assert.equal(ownLoader([]), ['--import', TSX])
})

test.run()
