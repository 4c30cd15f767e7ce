import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { deadlineOf, inRunningOrder, isWanted, needsBrowser, needsTsx } from './test-files.ts'

test('a file may state its deadline in its first line, and only there', () => {
  assert.is(deadlineOf('// deadline: 300 s\nimport …'), 300_000)
  assert.is(deadlineOf('\n// deadline: 300 s\n'), 120_000)
  assert.is(deadlineOf('// deadline: soon'), 120_000)
  assert.is(deadlineOf(''), 120_000)
})

test('a file may ask for tsx above its imports, and only there', () => {
  assert.ok(needsTsx('// by tsx\nimport …'))
  assert.ok(needsTsx('// deadline: 300 s\n// by tsx\n'))
  assert.not.ok(needsTsx('import …\n// by tsx\n'))
  assert.not.ok(needsTsx(''))
})

test('a file that imports the browser needs one', () => {
  assert.ok(needsBrowser(`import { test } from 'uvu'\nimport { createBrowserTests } from '../../../chromium.ts'\n`))
  assert.not.ok(needsBrowser(`import { CHROMIUM_FAULT_VARIABLE } from './chromium-program.ts'\n`))
  assert.not.ok(needsBrowser(''))
})

test('without filters every file is wanted, with filters those that one of them occurs in', () => {
  const path = 'tests/infra/embedded/servers.test.ts'
  assert.ok(isWanted(path, []))
  assert.ok(isWanted(path, ['nothing', 'embedded']))
  assert.ok(isWanted(path, ['./tests/infra']))
  assert.not.ok(isWanted(path, ['publisher']))
})

test('the files that may take longest run first, the others by name', () => {
  const files = [
    { path: 'b', deadlineMs: 1, byTsx: false },
    { path: 'a', deadlineMs: 1, byTsx: false },
    { path: 'c', deadlineMs: 2, byTsx: false },
  ]
  assert.is(
    inRunningOrder(files)
      .map(({ path }) => path)
      .join(''),
    'cab',
  )
})

test.run()
