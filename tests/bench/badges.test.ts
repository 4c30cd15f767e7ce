import { readdir, readFile } from 'node:fs/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { projectFolder } from '../../infra/embedded/project-folder.ts'
import { BADGES_FOLDER, badgesOf, readRecorded, type Recorded } from './badges.ts'

const SAMPLE: Recorded = {
  benchmark: {
    ratios: { pgcopydb: null, dumpRestore: 0.604, copy: 1.9 },
    rss: { publisher: 150_000_000, consumer: 168_000_000 },
    logByCopyText: 0.304,
  },
  matrix: [
    { postgres: '14.23', nats: '2.10.27', passed: 3, failed: 0, on: '2026-11-27' },
    { postgres: '15.18', nats: '2.10.27', passed: 3, failed: 0, on: '2026-11-27' },
    { postgres: '16.14', nats: '2.10.27', passed: 3, failed: 1, on: '2026-11-27' },
    { postgres: '15.18', nats: '2.15.0', passed: 3, failed: 0, on: '2026-11-27' },
    { postgres: '18.4', nats: '2.10.27', passed: 0, failed: 0, on: '2026-11-27' },
  ],
}

function textOf(image = ''): string {
  return image.replaceAll(/<[^>]*>/g, ' ')
}

test('a badge says what was measured, and names no version that did not pass', () => {
  const badges = badgesOf(SAMPLE)
  assert.match(textOf(badges['postgresql.svg']), '14, 15')
  assert.not.match(textOf(badges['postgresql.svg']), /16|18/)
  assert.match(textOf(badges['nats.svg']), '2.10, 2.15')
  assert.match(textOf(badges['dump-restore.svg']), '0.60 × its time')
  assert.match(textOf(badges['pgcopydb.svg']), 'not measured')
  assert.match(textOf(badges['memory.svg']), 'publisher 150 MB, consumer 168 MB')
  assert.match(textOf(badges['log.svg']), '0.30 × COPY text')
})

test('the badges of the README are those of the recorded results', async () => {
  const badges = badgesOf(await readRecorded())
  const readme = await readFile(`${projectFolder}/README.md`, 'utf8')
  assert.equal((await readdir(BADGES_FOLDER)).toSorted(), Object.keys(badges).toSorted())
  for (const [name, image] of Object.entries(badges)) {
    assert.is(await readFile(`${BADGES_FOLDER}/${name}`, 'utf8'), `${image}\n`, `${name}: run npm run badges`)
    assert.match(readme, `docs/badges/${name}`)
  }
})

test.run()
