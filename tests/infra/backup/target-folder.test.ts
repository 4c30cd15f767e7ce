import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { BackupManifest } from '../../../infra/backup/manifest.ts'
import { claimFolder, type FoundPartial, judgePartial } from '../../../infra/backup/target-folder.ts'
import { ownIdentity } from '../../../infra/embedded/private-folder.ts'
import { errorText, withFolder } from './with-backup.ts'

const MANIFEST = { format: 1, proven: false } as BackupManifest

test('a backup is written beside its name, and has it once it is complete', async () => {
  await withFolder(async (folder) => {
    const target = await claimFolder(`${folder}/today`)
    assert.equal(readdirSync(folder), ['today.partial'])
    assert.is(statSync(target.partial).mode & 0o777, 0o700)
    mkdirSync(target.draft)
    writeFileSync(`${target.draft}/toc.dat`, 'x')
    await target.keep(MANIFEST)
    assert.equal(readdirSync(target.partial).toSorted(), ['dump', 'scission-backup.json', 'writing'])
    await target.complete({ ...MANIFEST, proven: true })
    await target.leave()
    assert.equal(readdirSync(folder), ['today'])
    assert.equal(readdirSync(`${folder}/today`).toSorted(), ['dump', 'scission-backup.json'])
    assert.is(JSON.parse(readFileSync(`${folder}/today/scission-backup.json`, 'utf8')).proven, true)
  })
})

test('a backup that is given up before it was read back leaves nothing, and afterwards what it has', async () => {
  await withFolder(async (folder) => {
    const early = await claimFolder(`${folder}/today`)
    mkdirSync(early.draft)
    await early.leave()
    assert.equal(readdirSync(folder), [])
    const late = await claimFolder(`${folder}/today`)
    mkdirSync(late.draft)
    await late.keep(MANIFEST)
    await late.leave()
    assert.equal(readdirSync(`${folder}/today.partial`).toSorted(), ['dump', 'scission-backup.json'])
    await claimFolder(`${folder}/today`)
    assert.equal(readdirSync(`${folder}/today.partial`), ['writing'])
  })
})

test('what is there is never written over', async () => {
  await withFolder(async (folder) => {
    mkdirSync(`${folder}/today`)
    assert.match(await errorText(claimFolder(`${folder}/today`)), 'exists already, and a backup overwrites nothing')
    assert.match(
      await errorText(claimFolder(`${folder}/none/today`)),
      `There is no folder ${folder}/none to put a backup into`,
    )
    mkdirSync(`${folder}/week.partial`)
    writeFileSync(`${folder}/week.partial/letter.txt`, 'mine')
    assert.match(
      await errorText(claimFolder(`${folder}/week`)),
      'week.partial is in the way and was not made by a backup',
    )
    writeFileSync(`${folder}/month.partial`, 'a file')
    assert.match(await errorText(claimFolder(`${folder}/month`)), 'was not made by a backup')
    assert.ok(existsSync(`${folder}/week.partial/letter.txt`) && existsSync(`${folder}/month.partial`))
  })
})

test('a backup that is at work is left alone, and one that died is begun again', async () => {
  await withFolder(async (folder) => {
    await claimFolder(`${folder}/today`)
    assert.match(
      await errorText(claimFolder(`${folder}/today`)),
      /today\.partial is being written by another backup \(process \d+\)/,
    )
    const { space } = await ownIdentity()
    const dead = { pid: process.pid, start: '1', space, host: 'here', token: '1' }
    writeFileSync(`${folder}/today.partial/writing`, JSON.stringify(dead))
    mkdirSync(`${folder}/today.partial/dump-1234`)
    await claimFolder(`${folder}/today`)
    assert.equal(readdirSync(`${folder}/today.partial`), ['writing'])
  })
})

test('two backups that begin in one moment do not both go on', async () => {
  await withFolder(async (folder) => {
    const claims = await Promise.all(
      Array.from({ length: 5 }, async () => await errorText(claimFolder(`${folder}/today`))),
    )
    assert.is(claims.filter((claim) => claim === 'done').length, 1, claims.join('\n'))
    assert.ok(
      claims.every(
        (claim) => claim === 'done' || claim.includes('taken or removed') || claim.includes('being written'),
      ),
    )
  })
})

test('a folder that another backup took is not given a name', async () => {
  await withFolder(async (folder) => {
    const target = await claimFolder(`${folder}/today`)
    mkdirSync(target.draft)
    const owner = JSON.parse(readFileSync(`${target.partial}/writing`, 'utf8'))
    writeFileSync(`${target.partial}/writing`, JSON.stringify({ ...owner, token: 'of another' }))
    assert.match(await errorText(target.keep(MANIFEST)), 'today.partial was taken or removed by somebody else')
    assert.not(existsSync(`${folder}/today`))
  })
})

test('whose process cannot be seen is asked for, not removed', () => {
  const owner = { pid: 1, start: '1', space: 'elsewhere', host: 'build-7', token: '1' }
  const judge = (found: FoundPartial, isAlive = false): string => {
    const verdict = judgePartial(found, { space: 'here' }, isAlive)
    return verdict.kind === 'refused' ? verdict.because : verdict.kind
  }
  assert.is(judge({ kind: 'nothing' }), 'begin')
  assert.is(judge({ kind: 'ours', owner: null }), 'begin again')
  assert.is(judge({ kind: 'ours', owner: { ...owner, space: 'here' } }), 'begin again')
  assert.match(judge({ kind: 'ours', owner: { ...owner, space: 'here' } }, true), 'let it end')
  assert.match(judge({ kind: 'ours', owner }), 'in another container (build-7, process 1)')
})

test.run()
