import { writeFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseDataEntry } from '../../../infra/backup/dump-list.ts'
import { readDumpFile, rowCounter } from '../../../infra/backup/read-file.ts'
import { errorText, withFolder } from './with-backup.ts'

const END = '\\.\n\n\n'

test('rows are counted whatever they hold and wherever the text is cut', () => {
  const row = fc.constantFrom('', 'a\tb', '\\\\.', '\\N', 'x\\\\.', '😀', 'a'.repeat(40))
  const seed = Date.now()
  fc.assert(
    fc.property(fc.array(row, { maxLength: 30 }), fc.integer({ min: 1, max: 20 }), (rows, size) => {
      const text = Buffer.from(rows.map((each) => `${each}\n`).join('') + END)
      const counter = rowCounter()
      for (let at = 0; at < text.length; at += size) counter.add(text.subarray(at, at + size))
      return counter.rows() === rows.length
    }),
    { seed },
  )
})

test('a text that ends before its end holds no number of rows', () => {
  const whole = Buffer.from(`a\nb\n${END}`)
  for (let length = 0; length <= 'a\nb\n\\.'.length; length++) {
    const counter = rowCounter()
    counter.add(whole.subarray(0, length))
    assert.is(counter.rows(), null, `${length} bytes`)
  }
})

test('a file is read with its size, its sum and its rows, compressed or not, and a damaged one throws', async () => {
  await withFolder(async (folder) => {
    const text = Buffer.from(`${'row\n'.repeat(100_000)}${END}`)
    await writeFile(`${folder}/1.dat`, text)
    await writeFile(`${folder}/2.dat.gz`, gzipSync(text))
    const plain = await readDumpFile(`${folder}/1.dat`)
    const compressed = await readDumpFile(`${folder}/2.dat.gz`)
    assert.equal([plain.rows, compressed.rows], [100_000, 100_000])
    assert.is(plain.bytes, text.length)
    assert.ok(compressed.bytes < plain.bytes)
    assert.not.equal(plain.sha256, compressed.sha256)
    await writeFile(`${folder}/3.dat.gz`, gzipSync(text).subarray(0, -9))
    assert.match(await errorText(readDumpFile(`${folder}/3.dat.gz`)), 'unexpected end of file')
  })
})

test('an entry of the list tells a table by its number, whatever its name', () => {
  assert.equal(parseDataEntry('4044; 0 119121 TABLE DATA Odd "schema".x 😀 1; 0 2 TABLE DATA postgres'), {
    file: '4044',
    oid: '119121',
  })
  assert.is(parseDataEntry('216; 1259 16405 TABLE public Element postgres'), null)
  assert.is(parseDataEntry(';     Dumped by pg_dump version: 15.18'), null)
})

test.run()
