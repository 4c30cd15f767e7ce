import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as fc from 'fast-check'
import { MAX_IDENTIFIER_BYTES, objectName } from '../../../contracts/language/object-name.ts'

const suffixes = ['pkey', 'key', 'idx', 'fkey'] as const

/** Names as a catalog may hold them: any characters but NUL, and at most 63 bytes of them. */
const identifier = fc
  .string({ unit: 'binary', minLength: 1, maxLength: MAX_IDENTIFIER_BYTES })
  .filter((name) => !name.includes('\0') && Buffer.byteLength(name) <= MAX_IDENTIFIER_BYTES)

const parts = fc.record({
  table: identifier,
  columns: fc.array(identifier, { maxLength: 4 }),
  suffix: fc.constantFrom(...suffixes),
})

test('a name that fits is put together as Prisma and PostgreSQL do it', () => {
  assert.is(objectName('User', [], 'pkey'), 'User_pkey')
  assert.is(objectName('User', ['email'], 'key'), 'User_email_key')
  assert.is(objectName('Comment', ['threadId', 'createdAt'], 'idx'), 'Comment_threadId_createdAt_idx')
  assert.is(objectName('x'.repeat(58), [], 'pkey'), `${'x'.repeat(58)}_pkey`)
})

test('a name of 64 bytes is cut to 63 and keeps its ending', () => {
  const name = objectName('x'.repeat(59), [], 'pkey')
  assert.is(Buffer.byteLength(name), MAX_IDENTIFIER_BYTES)
  assert.match(name, /^x{49}_[0-9a-f]{8}_pkey$/)
})

test('a name is cut between characters, never inside one', () => {
  assert.match(objectName('😀'.repeat(15), ['a', 'b'], 'idx'), /^(😀){12}_[0-9a-f]{8}_idx$/u)
  assert.match(objectName('é'.repeat(31), [], 'fkey'), /^é{24}_[0-9a-f]{8}_fkey$/)
})

test('two tables whose names differ in the last of 63 bytes get two names for each object', () => {
  for (const suffix of suffixes) {
    const names = ['1', '2'].map((last) => objectName('t'.repeat(62) + last, ['column'], suffix))
    assert.is(new Set(names).size, 2)
  }
})

test('property: a name fits, is well formed, and begins with what is left of its table', () => {
  fc.assert(
    fc.property(parts, ({ table, columns, suffix }) => {
      const name = objectName(table, columns, suffix)
      assert.ok(Buffer.byteLength(name) <= MAX_IDENTIFIER_BYTES)
      assert.is(Buffer.from(name).toString(), name)
      assert.ok(name.endsWith(`_${suffix}`))
      const cut = name.replace(/_[0-9a-f]{8}_[a-z]+$/, '')
      assert.ok(name === [table, ...columns, suffix].join('_') || table.startsWith(cut))
    }),
  )
})

test('property: parts that make two long names make two short ones', () => {
  fc.assert(
    fc.property(fc.uniqueArray(parts, { selector: wholeName, minLength: 2, maxLength: 50 }), (several) => {
      const names = several.map(({ table, columns, suffix }) => objectName(table, columns, suffix))
      assert.is(new Set(names).size, names.length)
    }),
  )
})

function wholeName({ table, columns, suffix }: { table: string; columns: string[]; suffix: string }): string {
  return [table, ...columns, suffix].join('_')
}

test.run()
