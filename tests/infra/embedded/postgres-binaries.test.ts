import { realpath, symlink } from 'node:fs/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { findPostgresBinaries } from '../../../infra/embedded/postgres-binaries.ts'
import { failureOf } from './failure-of.ts'
import { withPrograms } from './with-programs.ts'

const whole = (version: string) => ({
  initdb: `initdb (PostgreSQL) ${version}`,
  pg_ctl: `pg_ctl (PostgreSQL) ${version}`,
  postgres: `postgres (PostgreSQL) ${version}`,
})

test('the folder on the PATH is taken, its links resolved', () =>
  withPrograms(whole('16.3 (Debian 16.3-1)'), (folder) =>
    withPrograms({}, async (links) => {
      for (const name of ['postgres', 'initdb', 'pg_ctl']) await symlink(`${folder}/${name}`, `${links}/${name}`)
      const found = await findPostgresBinaries({ PATH: `/nowhere::.:${links}` })
      assert.equal(found, { folder, version: '16.3', source: 'the PATH', passedOver: [] })
    }),
  ))

test('what is too old, incomplete or broken on the PATH is passed over, and said', () =>
  withPrograms(whole('13.14'), (old) =>
    withPrograms({ postgres: 'postgres (PostgreSQL) 15.2', pg_ctl: '' }, (incomplete) =>
      withPrograms(whole(''), (silent) =>
        withPrograms(whole('17.0'), async (good) => {
          const { folder, passedOver } = await findPostgresBinaries({ PATH: [old, incomplete, silent, good].join(':') })
          assert.is(folder, good)
          assert.is(passedOver.length, 3)
          assert.match(passedOver[0] ?? '', `(${old}) is passed over: it is version 13.14, and 14 or newer is needed.`)
          assert.match(passedOver[1] ?? '', `(${incomplete}) is passed over: it lacks initdb.`)
          assert.match(passedOver[2] ?? '', `(${silent}) is passed over: it does not tell its version`)
        }),
      ),
    ),
  ))

test('SCISSION_POSTGRES_BIN goes before the PATH', () =>
  withPrograms(whole('15.1'), (named) =>
    withPrograms(whole('16.1'), async (other) => {
      const { folder, source } = await findPostgresBinaries({ SCISSION_POSTGRES_BIN: named, PATH: other })
      assert.equal([folder, source], [named, 'SCISSION_POSTGRES_BIN'])
    }),
  ))

test('a SCISSION_POSTGRES_BIN that does not serve is a mistake, not passed over', () =>
  withPrograms({ postgres: 'postgres (PostgreSQL) 15.1' }, async (named) => {
    const failure = await failureOf(findPostgresBinaries({ SCISSION_POSTGRES_BIN: named, PATH: process.env['PATH'] }))
    assert.is(failure.exitCode, 2)
    assert.match(
      failure.message,
      `SCISSION_POSTGRES_BIN names ${named}, which does not serve: it lacks initdb and pg_ctl.`,
    )
  }))

test("without a PATH npm's package serves, with the links that it lacks as npm installs it", async () => {
  const { folder, version, source } = await findPostgresBinaries({})
  assert.equal([source, version.split('.')[0]], ["npm's package", '15'])
  assert.ok((await realpath(`${folder}/../lib/libpq.so.5`)).startsWith(await realpath(`${folder}/../lib`)))
})

test.run()
