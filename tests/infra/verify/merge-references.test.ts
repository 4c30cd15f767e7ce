import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { countWithoutTarget } from '../../../infra/verify/merge-references.ts'

async function* inBatches<Item>(items: readonly Item[], size: number): AsyncGenerator<readonly Item[]> {
  for (let first = 0; first < items.length; first += size) yield items.slice(first, first + size)
  yield []
}

test('the merge counts what a set would count, however both sides are cut into batches', async () => {
  const key = fc.stringMatching(/^[0-9a-c]{0,3}$/).map((text) => `${text},`)
  const referring = fc.uniqueArray(fc.record({ key, rows: fc.integer({ min: 1, max: 9 }) }), {
    selector: (one) => one.key,
  })
  const sizes = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }))
  await fc.assert(
    fc.asyncProperty(referring, fc.array(key), sizes, async (groups, targets, [left, right]) => {
      const byKey = [...groups].sort((one, other) => (one.key < other.key ? -1 : 1))
      const counted = await countWithoutTarget(inBatches(byKey, left), inBatches([...targets].sort(), right))
      const sum = (of: typeof groups): number => of.reduce((total, { rows }) => total + rows, 0)
      assert.equal(counted, {
        rows: sum(groups),
        withoutTarget: sum(groups.filter((group) => !targets.includes(group.key))),
      })
    }),
  )
})

test('targets behind the last reference are not read', async () => {
  let read = 0
  async function* endless(): AsyncGenerator<readonly string[]> {
    for (;;) yield [String.fromCharCode(97 + read++)]
  }
  const counted = await countWithoutTarget(inBatches([{ key: 'c', rows: 2 }], 1), endless())
  assert.equal(counted, { rows: 2, withoutTarget: 0 })
  assert.is(read, 3)
})

test.run()
