import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { placeOwnPrograms, REAL } from '../infra/backup/own-programs.ts'
import { runStatements, testWithPgDump } from '../infra/backup/with-backup.ts'
import { backUp, heldDump, isHeld, programsWith, waitUntil, withMonolith } from './backup-monolith.ts'
import { runCommand, startCommand } from './run-command.ts'

testWithPgDump('a dump that was not restored is not called a backup, and one that was is', async () => {
  await withMonolith(async (url, folder) => {
    const unproven = await backUp(url, folder)
    assert.is(unproven.exitCode, 0, unproven.stderr)
    assert.match(
      unproven.stdout,
      /\nUnproven dump: .*today holds 31 tables with .*Only --prove shows\s+that it can be\./s,
    )
    assert.match(unproven.stdout, /\n- Roles and their passwords belong to the server/)
    assert.not.match(unproven.stdout, 'equal')
    assert.match(unproven.stderr, /^snapshot .*\ndump .*\ndigests .*\nread back .*\n$/)
    const proven = await runCommand(['backup', '--out', `${folder}/proven`, '--prove', '--jobs', '1', '--json'], {
      environment: { MONOLITH_DATABASE_URL: url },
    })
    assert.is(proven.exitCode, 0, proven.stderr)
    const { folder: made, manifest, differences } = JSON.parse(proven.stdout)
    assert.equal([made, manifest.proven, differences], [`${folder}/proven`, true, []])
    const text = (await backUp(url, folder, '--out', 'again', '--prove')).stdout
    assert.match(text, /\npublic\."Element" +50 {2}equal\n/)
    assert.match(text, /\nProven backup: .*everything is\s+equal\./s)
  })
})

testWithPgDump('a dump that comes back otherwise is no backup, and says what differs', async () => {
  await withMonolith(async (url, folder) => {
    const script = `case "$*" in *--dbname*) exec ${REAL} --schema-only "$@";; esac\nexec ${REAL} "$@"`
    const environment = { ...(await placeOwnPrograms(folder, { pg_restore: script })), MONOLITH_DATABASE_URL: url }
    const { exitCode, stdout } = await runCommand(['backup', '--out', 'today', '--prove'], { environment, folder })
    assert.is(exitCode, 3)
    assert.match(stdout, /\npublic\."Element" +50 {2}DIFFERENT\n/)
    assert.match(stdout, /- table public\."Element" came back with 0 rows, and had 50 rows in the monolith\n/)
    assert.match(stdout, /\nNO backup: \d+ differences between the monolith and what was restored/)
    assert.equal(readdirSync(folder).toSorted(), ['bin', 'today.partial'])
  })
})

testWithPgDump('a password stands in no list of processes and in no output', async () => {
  await withMonolith(async (url, folder) => {
    const role = `backup_${randomBytes(4).toString('hex')}`
    const password = `hidden-${randomBytes(8).toString('hex')}`
    await runStatements(url, `CREATE ROLE ${role} SUPERUSER LOGIN PASSWORD '${password}'`)
    try {
      const own = Object.assign(new URL(url), { username: role, password }).href
      const environment = {
        ...(await placeOwnPrograms(folder, { pg_dump: heldDump(folder) })),
        MONOLITH_DATABASE_URL: own,
      }
      const command = startCommand(['backup', '--out', 'today'], { environment, folder })
      await waitUntil('pg_dump is at work', () => isHeld(folder))
      assert.ok(programsWith(`${folder}/bin/pg_dump`).length > 0, 'the guard names its program')
      assert.equal(programsWith(password), [])
      command.kill('SIGINT')
      assert.not.match(JSON.stringify(await command.ended), password)
      const wrong = await backUp(own.replace(password, 'hidden-wrong'), folder)
      assert.is(wrong.exitCode, 4)
      assert.match(wrong.stderr, 'refuses the password of that user')
      assert.not.match(wrong.stderr, 'hidden-')
    } finally {
      await runStatements(url, `DROP ROLE ${role}`)
    }
  })
})

test('without --out, or with a configuration that is wrong, nothing is begun', async () => {
  const without = await runCommand(['backup'])
  assert.is(without.exitCode, 2)
  assert.match(without.stderr, '--out <folder>')
  const unset = await runCommand(['backup', '--out', '/tmp/never'])
  assert.is(unset.exitCode, 2)
  assert.match(unset.stderr, /^scission: MONOLITH_DATABASE_URL is not set: give the URL of the monolith's database/)
  const mistyped = await runCommand(['backup', '--out', '/tmp/never'], {
    environment: { MONOLITH_DATABASE_URL: 'postgres://u:p@127.0.0.1:1/d', SCISSION_READER: '2' },
  })
  assert.match(mistyped.stderr, 'SCISSION_READER is not a setting: did you mean SCISSION_READERS?')
})

test.run()
