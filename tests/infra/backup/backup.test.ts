import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { BackupEvent } from '../../../infra/backup/events.ts'
import { generateMonolith } from '../../../infra/demo/monolith/generate-monolith.ts'
import { createHostileMonolith } from '../../hostile/monolith.ts'
import { withDatabase } from '../../with-servers.ts'
import {
  backUpTo,
  failureOf,
  flipBit,
  rewriteCompressed,
  runStatements,
  testWithPgDump,
  withClient,
  withFolder,
} from './with-backup.ts'

const ELEMENTS = 200

async function withArchiModeler(use: (url: string, rows: number) => Promise<void>): Promise<void> {
  await withDatabase(async (url) => {
    const { rows } = await generateMonolith(url, { elements: ELEMENTS, seed: 1 })
    await use(
      url,
      Object.values(rows).reduce((sum, count) => sum + count, 0),
    )
  })
}

testWithPgDump('a monolith is dumped, restored into a private server, and every table is equal there', async () => {
  await withArchiModeler(async (url, rows) => {
    await withFolder(async (folder) => {
      const phases: string[] = []
      const onEvent = (event: BackupEvent): void => void (event.type === 'phase-ended' && phases.push(event.phase))
      const outcome = await backUpTo(`${folder}/today`, url, { prove: true, onEvent })
      assert.equal(outcome.differences, [])
      assert.equal(phases, ['scratch', 'snapshot', 'dump', 'digests', 'read back', 'restore', 'compare'])
      assert.equal(readdirSync(folder), ['today'])
      assert.equal(readdirSync(`${folder}/today`).toSorted(), ['dump', 'scission-backup.json'])
      const manifest = JSON.parse(readFileSync(`${folder}/today/scission-backup.json`, 'utf8'))
      assert.equal(manifest, JSON.parse(JSON.stringify(outcome.manifest)))
      assert.is(manifest.proven, true)
      assert.is(
        manifest.tables.reduce((sum: number, table: { rows: number }) => sum + table.rows, 0),
        rows,
      )
    })
  })
})

testWithPgDump('the manifest names every file by its size and its sum, and no other user can read them', async () => {
  await withArchiModeler(async (url) => {
    await withFolder(async (folder) => {
      const { manifest } = await backUpTo(`${folder}/today`, url)
      assert.is(manifest.proven, false)
      assert.equal(
        manifest.files.map(({ path }) => path),
        readdirSync(`${folder}/today/dump`)
          .map((name) => `dump/${name}`)
          .toSorted(),
      )
      for (const { path, bytes, sha256 } of manifest.files) {
        const content = readFileSync(`${folder}/today/${path}`)
        assert.equal([content.length, createHash('sha256').update(content).digest('hex')], [bytes, sha256])
      }
      assert.is(statSync(`${folder}/today`).mode & 0o777, 0o700)
    })
  })
})

testWithPgDump('the hostile monolith comes back value by value, with all of its objects', async () => {
  await withDatabase(async (url) => {
    await createHostileMonolith(url)
    await withClient(url, async (client) => {
      await client.query(`SELECT lo_from_bytea(0, ''), lo_from_bytea(0, decode(repeat('00ff', 700000), 'hex'))`)
    })
    await withFolder(async (folder) => {
      const { manifest, differences } = await backUpTo(`${folder}/today`, url, { prove: true })
      assert.equal(differences, [])
      assert.is(manifest.largeObjects.objects, 2)
      assert.is(manifest.largeObjects.bytes, 1_400_000)
      assert.equal(manifest.extensions, ['citext', 'hstore'])
      assert.match(manifest.notes.join('\n'), '1 unlogged table')
      assert.match(manifest.notes.join('\n'), '2 large objects')
    })
  })
})

testWithPgDump(
  'one bit that flips in a file of the dump is found when it is read back, and nothing stays',
  async () => {
    await withArchiModeler(async (url) => {
      await withFolder(async (folder) => {
        const onEvent = (event: BackupEvent): void => {
          if (event.type !== 'phase-begun' || event.phase !== 'digests') return
          const [draft = ''] = readdirSync(`${folder}/today.partial`).filter((name) => name.startsWith('dump-'))
          const dump = `${folder}/today.partial/${draft}`
          flipBit(`${dump}/${readdirSync(dump).find((name) => name.endsWith('.dat.gz')) ?? ''}`)
        }
        const failure = await failureOf(backUpTo(`${folder}/today`, url, { onEvent }))
        assert.is(failure.exitCode, 3)
        assert.match(failure.message, /^The dump cannot be read back \(\d+\.dat\.gz: /)
        assert.equal(readdirSync(folder), [])
      })
    })
  },
)

testWithPgDump('rows that are missing from a whole file of the dump are found when it is read back', async () => {
  await withArchiModeler(async (url) => {
    await withFolder(async (folder) => {
      const onEvent = (event: BackupEvent): void => {
        if (event.type !== 'phase-begun' || event.phase !== 'digests') return
        const [draft = ''] = readdirSync(`${folder}/today.partial`).filter((name) => name.startsWith('dump-'))
        const file = largestFile(`${folder}/today.partial/${draft}`)
        rewriteCompressed(file, (text) => text.slice(text.indexOf('\n') + 1))
      }
      const failure = await failureOf(backUpTo(`${folder}/today`, url, { onEvent }))
      assert.is(failure.exitCode, 3)
      assert.match(failure.message, /of table public\.[^ ]+, holds \d+ rows, and the monolith has \d+/)
      assert.equal(readdirSync(folder), [])
    })
  })
})

testWithPgDump(
  'a value that is another one in the restored table is a difference, and the dump gets no name',
  async () => {
    await withArchiModeler(async (url) => {
      await withFolder(async (folder) => {
        const onEvent = (event: BackupEvent): void => {
          if (event.type !== 'phase-begun' || event.phase !== 'restore') return
          rewriteCompressed(largestFile(`${folder}/today.partial/dump`), (text) =>
            text.replace(/[a-z]/, (letter) => (letter === 'z' ? 'y' : 'z')),
          )
        }
        const outcome = await backUpTo(`${folder}/today`, url, { prove: true, onEvent })
        assert.is(outcome.differences.length, 1)
        assert.is(outcome.differences[0]?.kind, 'table')
        assert.is(outcome.folder, `${folder}/today.partial`)
        assert.is(outcome.manifest.proven, false)
        assert.not(existsSync(`${folder}/today`))
        assert.is(JSON.parse(readFileSync(`${outcome.folder}/scission-backup.json`, 'utf8')).proven, false)
        // What was left to be looked at is in nobody's way.
        assert.equal((await backUpTo(`${folder}/today`, url)).differences, [])
        assert.equal(readdirSync(folder), ['today'])
      })
    })
  },
)

testWithPgDump('a dump that cannot be restored at all is no backup, and stays to be looked at', async () => {
  await withArchiModeler(async (url) => {
    await withFolder(async (folder) => {
      const onEvent = (event: BackupEvent): void => {
        if (event.type === 'phase-begun' && event.phase === 'restore')
          flipBit(largestFile(`${folder}/today.partial/dump`))
      }
      const failure = await failureOf(backUpTo(`${folder}/today`, url, { prove: true, onEvent }))
      assert.is(failure.exitCode, 3)
      assert.match(failure.message, /^The dump could not be restored: .* stays in .*today\.partial/)
      assert.equal(readdirSync(folder), ['today.partial'])
    })
  })
})

testWithPgDump('a row that cannot be restored is not shown', async () => {
  await withDatabase(async (url) => {
    await runStatements(
      url,
      'CREATE TABLE person (name text, age integer, CONSTRAINT adult CHECK (age >= 18))',
      `INSERT INTO person SELECT 'a secret', 20 FROM generate_series(1, 100)`,
    )
    await withFolder(async (folder) => {
      const change = async (age: string): Promise<string> => {
        const onEvent = (event: BackupEvent): void => {
          if (event.type !== 'phase-begun' || event.phase !== 'restore') return
          rewriteCompressed(largestFile(`${folder}/today.partial/dump`), (text) => text.replace('20', age))
        }
        return (await failureOf(backUpTo(`${folder}/today`, url, { prove: true, onEvent }))).message
      }
      const told = [await change('7'), await change('a secret')]
      assert.match(told[0] ?? '', /new row for relation "person" violates check constraint "adult"\. It is not proven/)
      assert.match(told[1] ?? '', /invalid input syntax for type integer: …\. It is not proven/)
      assert.not.match(told.join(), 'secret')
    })
  })
})

/** The file of the largest table, which surely has rows. */
function largestFile(dump: string): string {
  const names = readdirSync(dump).filter((name) => name.endsWith('.dat.gz'))
  const [largest = ''] = names.toSorted((one, other) => sizeOf(`${dump}/${other}`) - sizeOf(`${dump}/${one}`))
  return `${dump}/${largest}`
}

function sizeOf(file: string): number {
  return statSync(file).size
}

test.run()
