import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { placeOwnPrograms, REAL } from '../infra/backup/own-programs.ts'
import { testWithPgDump } from '../infra/backup/with-backup.ts'
import { backUp, commandLineOf, heldDump, isHeld, programsWith, waitUntil, withMonolith } from './backup-monolith.ts'
import { startCommand } from './run-command.ts'

testWithPgDump('after kill -9 in the middle of it nothing runs on, and the next backup begins again', async () => {
  await withMonolith(async (url, folder) => {
    const environment = {
      ...(await placeOwnPrograms(folder, { pg_dump: heldDump(folder) })),
      MONOLITH_DATABASE_URL: url,
    }
    const command = startCommand(['backup', '--out', 'today'], { environment, folder })
    await waitUntil('pg_dump is at work', () => isHeld(folder))
    const pid = readFileSync(`${folder}/held`, 'utf8').trim()
    command.kill('SIGKILL')
    await command.ended
    await waitUntil('its pg_dump ended', () => commandLineOf(pid) === '')
    assert.ok(existsSync(`${folder}/today.partial/writing`))
    const again = await backUp(url, folder)
    assert.is(again.exitCode, 0, again.stderr)
    assert.equal(readdirSync(`${folder}/today`).toSorted(), ['dump', 'scission-backup.json'])
    assert.not(existsSync(`${folder}/today.partial`))
  })
})

testWithPgDump('Ctrl-C ends pg_dump and removes what it wrote', async () => {
  await withMonolith(async (url, folder) => {
    const environment = {
      ...(await placeOwnPrograms(folder, { pg_dump: heldDump(folder) })),
      MONOLITH_DATABASE_URL: url,
    }
    const command = startCommand(['backup', '--out', 'today', '--prove', '--json'], { environment, folder })
    await waitUntil('pg_dump is at work', () => isHeld(folder))
    const pid = readFileSync(`${folder}/held`, 'utf8').trim()
    command.kill('SIGINT')
    const { exitCode, stderr } = await command.ended
    assert.is(exitCode, 130, stderr)
    assert.is(commandLineOf(pid), '')
    assert.equal(programsWith(`scission-${command.pid}-`), [], 'a server was left')
    assert.equal(readdirSync(folder).toSorted(), ['bin', 'held'])
  })
})

testWithPgDump('Ctrl-C during the proof leaves the dump, which was read back, and no server', async () => {
  await withMonolith(async (url, folder) => {
    const held = `case "$*" in *--dbname*) echo $$ > ${folder}/held; exec sleep 300;; esac\nexec ${REAL} "$@"`
    const environment = { ...(await placeOwnPrograms(folder, { pg_restore: held })), MONOLITH_DATABASE_URL: url }
    const command = startCommand(['backup', '--out', 'today', '--prove'], { environment, folder })
    await waitUntil('pg_restore is at work', () => isHeld(folder))
    command.kill('SIGTERM')
    assert.is((await command.ended).exitCode, 143)
    assert.equal(programsWith(`scission-${command.pid}-`), [])
    assert.equal(readdirSync(`${folder}/today.partial`).toSorted(), ['dump', 'scission-backup.json'])
    assert.is(JSON.parse(readFileSync(`${folder}/today.partial/scission-backup.json`, 'utf8')).proven, false)
  })
})

test.run()
