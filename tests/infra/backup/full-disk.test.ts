import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { withDatabase } from '../../with-servers.ts'
import { backUpTo, failureOf, runStatements, testWithPgDump, withFolder } from './with-backup.ts'

function runProgram(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: 'pipe' })
}

/** A file system of its own that holds no more than this. Only root can make one. */
async function withSmallDisk(kilobytes: number, use: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const disk = `${folder}/disk`
    mkdirSync(disk)
    try {
      runProgram('mount', '-t', 'tmpfs', '-o', `size=${kilobytes}k,mode=755`, 'tmpfs', disk)
    } catch (error) {
      // Root that may not mount is a container's: there it cannot run.
      const note = `passed over: no file system can be mounted here (${String(error).split('\n')[0]})`
      if (process.env['CI'] && process.getuid?.() === 0 && process.platform === 'linux')
        throw new Error(note, { cause: error })
      process.stderr.write(`${note}\n`)
      return
    }
    try {
      await use(disk)
    } finally {
      runProgram('umount', disk)
    }
  })
}

/** Half a megabyte that no compression makes smaller. */
const RANDOM_ROWS = `CREATE TABLE random AS SELECT number AS id, md5(number::text || random()::text) AS text
  FROM generate_series(1, 20000) AS number`

testWithPgDump('a disk that is full is told in a sentence, and is emptied again', async () => {
  await withDatabase(async (url) => {
    await runStatements(url, RANDOM_ROWS)
    await withSmallDisk(256, async (folder) => {
      const failure = await failureOf(backUpTo(`${folder}/today`, url))
      assert.is(failure.exitCode, 4)
      assert.match(failure.message, `The file system of ${folder} is full, so that the backup was given up: make room`)
      assert.equal(readdirSync(folder), [])
    })
    await withSmallDisk(4096, async (folder) => {
      assert.equal((await backUpTo(`${folder}/today`, url)).differences, [])
      assert.equal(readdirSync(folder), ['today'])
    })
  })
})

testWithPgDump('a disk without room for the first file is told in the same sentence', async () => {
  await withDatabase(async (url) => {
    await runStatements(url, RANDOM_ROWS)
    await withSmallDisk(4, async (folder) => {
      const failure = await failureOf(backUpTo(`${folder}/today`, url))
      assert.match(failure.message, `The file system of ${folder} is full`)
      assert.equal(readdirSync(folder), [])
    })
  })
})

test.run()
