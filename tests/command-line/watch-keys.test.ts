import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  afterKey,
  type Controls,
  FIRST_CONTROLS,
  type WatchKey,
  watchKeyOf,
} from '../../infra/command-line/watch-keys.ts'

const BOUNDS = { services: 3, page: 2, lastTop: 5 }
const KEYS: readonly WatchKey[] = [
  'quit',
  'help',
  'open',
  'back',
  'pause',
  'up',
  'down',
  'left',
  'right',
  'page-up',
  'page-down',
  'first',
  'last',
]

function after(...keys: readonly WatchKey[]): Controls {
  return keys.reduce((controls, key) => afterKey(controls, key, BOUNDS), FIRST_CONTROLS)
}

test('arrows select a service, and stop at both ends', () => {
  assert.is(after('down').selected, 1)
  assert.is(after('down', 'down', 'down', 'down').selected, 2)
  assert.is(after('up').selected, 0)
  assert.equal([after('last').selected, after('last', 'page-up').selected, after('last', 'first').selected], [2, 0, 0])
})

test('Enter opens the selected service, left and right lead to its neighbours, and Esc leads back', () => {
  const opened = after('down', 'open')
  assert.equal([opened.view, opened.selected], ['details', 1])
  assert.equal([after('down', 'open', 'right').selected, after('down', 'open', 'left').selected], [2, 0])
  assert.is(after('open', 'back').view, 'services')
  assert.is(after('right').selected, 0)
})

test('help opens over what is there, and leads back to it', () => {
  assert.equal(
    [after('help').view, after('help', 'help').view, after('help', 'back').view],
    ['help', 'services', 'services'],
  )
  assert.equal([after('open', 'help').view, after('open', 'help', 'back').view], ['help', 'details'])
})

test('a text is scrolled as far as it goes, also when the screen has grown meanwhile', () => {
  assert.is(after('help', 'down', 'page-down').top, 3)
  assert.is(after('help', 'last').top, 5)
  assert.is(afterKey(after('help', 'last'), 'up', { ...BOUNDS, lastTop: 2 }).top, 1)
})

test('whatever is pressed, in whatever order, what is selected is there, and only quit ends it', () => {
  const key = fc.constantFrom(...KEYS)
  const bounds = fc.record({ services: fc.nat(12), page: fc.integer({ min: 1, max: 50 }), lastTop: fc.nat(40) })
  fc.assert(
    fc.property(fc.array(fc.tuple(key, bounds)), (steps) => {
      let controls = FIRST_CONTROLS
      let hasQuit = false
      for (const [pressed, limits] of steps) {
        const before = controls
        controls = afterKey(controls, pressed, limits)
        hasQuit ||= pressed === 'quit'
        assert.is(controls.isEnded, hasQuit)
        assert.is(controls.isPaused, before.isPaused !== (pressed === 'pause'))
        assert.ok(controls.selected >= 0 && controls.top >= 0)
        if (controls.selected !== before.selected) assert.ok(controls.selected < Math.max(1, limits.services))
        if (controls.top > before.top) assert.ok(controls.top <= limits.lastTop)
      }
      // From wherever one is, two steps lead back to the services.
      const back = ['back', 'back'] as const
      assert.is(back.reduce((on, pressed) => afterKey(on, pressed, BOUNDS), controls).view, 'services')
    }),
  )
})

test('keys are known by what a terminal sends', () => {
  assert.is(watchKeyOf({ name: 'q', sequence: 'q' }), 'quit')
  assert.is(watchKeyOf({ sequence: '?' }), 'help')
  assert.is(watchKeyOf({ name: 'space', sequence: ' ' }), 'pause')
  assert.is(watchKeyOf({ name: 'escape', sequence: '\u001B', meta: true }), 'back')
  assert.is(watchKeyOf({ name: 'q', sequence: '\u001Bq', meta: true }), null)
  assert.is(watchKeyOf({ name: 'p', sequence: '\u0010', ctrl: true }), null)
  for (const name of ['x', 'constructor', undefined]) assert.is(watchKeyOf({ name }), null)
})

test.run()
