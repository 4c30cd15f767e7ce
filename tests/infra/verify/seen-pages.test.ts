import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { SeenPages } from '../../../infra/verify/seen-pages.ts'

test('each page is new once, in whatever order pages and their repetitions come', () => {
  const pages = fc.array(fc.tuple(fc.nat(3), fc.nat(12)), { maxLength: 200 })
  fc.assert(
    fc.property(pages, (sequence) => {
      const seen = new SeenPages()
      const known = new Set<string>()
      for (const [chunk, page] of sequence) {
        assert.is(seen.add(chunk, page), !known.has(`${chunk}/${page}`))
        known.add(`${chunk}/${page}`)
        assert.is(seen.count, known.size)
      }
    }),
  )
})

test.run()
