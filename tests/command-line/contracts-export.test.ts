// deadline: 120 s
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import archimodeler from '../../contracts/archimodeler/contract-set.ts'
import { entityFileNames } from '../../infra/export/entity-files.ts'
import { exportSet } from '../../infra/export/export-set.ts'
import hostile from '../hostile/contract-set.ts'
import { runCommand } from './run-command.ts'
import { withFolder } from './shop.ts'

const NATS_URL = 'tls://scission:hidden-31@nats.internal:4222'

test('export writes every file that follows from the contract set, asks no server, and can be run again', () =>
  withFolder(async (folder) => {
    for (let times = 0; times < 2; times += 1) {
      const environment = { NATS_URL, SCISSION_PREFIX: 'staging' }
      const result = await runCommand(['contracts', 'export', '--out', 'all', '--json'], { environment, folder })
      assert.is(result.exitCode, 0, result.stderr)
      const report = JSON.parse(result.stdout) as { files: string[]; prefix: string; contractSet: string }
      assert.equal([report.contractSet, report.prefix], ['archimodeler', 'staging'])
      assert.is(report.files.length, 56)
      for (const file of report.files) assert.ok((await stat(file)).size > 0, file)
    }
    const names = (await readdir(join(folder, 'all'))).toSorted()
    assert.equal(names, [
      'asyncapi.json',
      'cross-references.json',
      'cross-references.md',
      'ddl',
      'nats-permissions.conf',
      'roles',
      'schemas',
    ])
    const document = await readFile(join(folder, 'all', 'asyncapi.json'), 'utf8')
    assert.match(document, '"host": "nats.internal:4222"')
    assert.not.match(document, 'hidden-31')
    assert.match(document, 'staging.iam.snapshot.User')
  }))

test('a wrong prefix or a wrong URL is told before anything is written', () =>
  withFolder(async (folder) => {
    const environment = { NATS_URL: 'http://user:hidden-32@host', SCISSION_PREFIX: 'Staging' }
    const result = await runCommand(['contracts', 'export', '--out', 'all'], { environment, folder })
    assert.is(result.exitCode, 2)
    assert.match(result.stderr, 'has 2 mistakes')
    assert.match(result.stderr, 'SCISSION_PREFIX must be')
    assert.not.match(result.stderr, 'hidden-32')
    assert.equal(await readdir(folder), [])
  }))

test('no two files of an export have one path, also where capitals are not told from small letters', () => {
  for (const set of [archimodeler, hostile]) {
    const paths = exportSet({ set, prefix: set.name, natsUrl: null }).map(({ path }) => path)
    assert.is(new Set(paths.map((path) => path.toLowerCase())).size, paths.length)
    for (const path of paths) assert.match(path, /^[\w/%~.-]+$/)
  }
  const user = hostile.services.find(({ name }) => name === 'user')
  assert.ok(user)
  assert.equal([entityFileNames(user).get('Case'), entityFileNames(user).get('case')], ['Case', 'case~2'])
})

test.run()
