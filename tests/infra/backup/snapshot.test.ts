import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { BackupEvent } from '../../../infra/backup/events.ts'
import type { ListedTable } from '../../../infra/backup/read-tables.ts'
import { holdSnapshot, standStill } from '../../../infra/backup/snapshot.ts'
import { withSession } from '../../../infra/postgres/session.ts'
import { Failure } from '../../../contracts/failure.ts'
import { withDatabase } from '../../with-servers.ts'
import { placeOwnPrograms, REAL } from './own-programs.ts'
import {
  backUpTo,
  errorText,
  monolithAt,
  runStatements,
  testWithPgDump,
  withClient,
  withFolder,
} from './with-backup.ts'

const ACCOUNTS = `
  CREATE TABLE account (id serial PRIMARY KEY, balance bigint NOT NULL);
  CREATE TABLE entry (id bigserial PRIMARY KEY, account integer NOT NULL REFERENCES account, amount bigint NOT NULL);
  INSERT INTO account (balance) SELECT 0 FROM generate_series(1, 50)`

/** Each of these transactions leaves as many entries as the balances say. */
const TRANSFER = `
  WITH chosen AS (UPDATE account SET balance = balance + 1 WHERE id = 1 + floor(random() * 50) RETURNING id)
  INSERT INTO entry (account, amount) SELECT id, 1 FROM chosen`

/** Writes until it is told to stop, and says how often it did. */
async function whileWriting<Result>(url: string, use: (written: () => number) => Promise<Result>): Promise<Result> {
  let isOver = false
  let count = 0
  const write = withClient(url, async (client) => {
    while (!isOver) {
      await client.query(TRANSFER)
      count += 1
    }
  })
  try {
    return await use(() => count)
  } finally {
    isOver = true
    await write
  }
}

testWithPgDump('writers at work do not disturb a backup: it shows one point in time, sequences included', async () => {
  await withDatabase(async (url) => {
    await runStatements(url, ACCOUNTS)
    await withFolder(async (folder) => {
      // Writers go on for a while between the snapshot and the dump.
      const environment = await placeOwnPrograms(folder, { pg_dump: `sleep 1\nexec ${REAL} "$@"` })
      const counts: number[] = []
      const outcome = await whileWriting(url, async (written) => {
        const onEvent = (event: BackupEvent): void => {
          const isDump = 'phase' in event && event.phase === 'dump'
          if (isDump && event.type !== 'phase-moved') counts.push(written())
        }
        return await backUpTo(`${folder}/today`, url, { prove: true, environment, onEvent })
      })
      const [before = 0, after = 0] = counts
      assert.ok(after > before + 20, `${after - before} transactions during the dump`)
      assert.equal(outcome.differences, [])
      const { tables, sequences } = outcome.manifest
      const entries = tables.find(({ table }) => table === 'entry')?.rows ?? 0
      assert.ok(entries <= after, 'what was written behind the snapshot is not in it')
      const used = sequences.find(({ table }) => table === 'entry_id_seq')
      assert.ok(Number(used?.after) > Number(used?.before))
    })
  })
})

test('a table that another session keeps to itself is named, with who does', async () => {
  await withDatabase(async (url) => {
    await runStatements(url, 'CREATE TABLE "Order" (id integer)')
    await withClient(url, async (migration) => {
      await migration.query(`SET application_name = 'migration'; BEGIN; LOCK TABLE "Order"`)
      await withSession(monolithAt(url), { purpose: 'backup' }, async (client) => {
        const failure = await holdSnapshot(client, 'postgres', 100).catch((error: unknown) => error)
        assert.instance(failure, Failure)
        assert.is((failure as Failure).exitCode, 5)
        assert.match(
          (failure as Failure).message,
          /^Table public\."Order" of the monolith was locked against readers for 0\.1 s by PostgreSQL process \d+ \(application "migration"/,
        )
      })
    })
  })
})

test('no table can be rewritten behind a snapshot that is held', async () => {
  await withDatabase(async (url) => {
    await runStatements(url, 'CREATE TABLE kept AS SELECT 1 AS id')
    await withSession(monolithAt(url), { purpose: 'backup' }, async (client) => {
      await holdSnapshot(client, 'postgres')
      await withClient(url, async (writer) => {
        await writer.query(`SET lock_timeout = '100ms'`)
        assert.match(await errorText(writer.query('TRUNCATE kept')), 'lock timeout')
        await writer.query('INSERT INTO kept VALUES (2)')
      })
      const { rows } = await client.query<{ ids: string }>('SELECT string_agg(id::text, $1) AS ids FROM public.kept', [
        ',',
      ])
      assert.equal(rows, [{ ids: '1' }])
    })
  })
})

testWithPgDump('a migration that waits for a table while it is read does not stop the reading', async () => {
  await withDatabase(async (url) => {
    await runStatements(url, 'CREATE TABLE a AS SELECT 1 AS id', 'CREATE TABLE b AS SELECT 2 AS id')
    await withFolder(async (folder) => {
      await withClient(url, async (migration) => {
        // pg_dump has done its work, and has not ended: the migration is in the queue before the first digest is read.
        const script = `${REAL} "$@" && touch ${folder}/dumped && sleep 1`
        const environment = await placeOwnPrograms(folder, { pg_dump: script })
        const truncate = async (): Promise<void> => {
          while (!existsSync(`${folder}/dumped`)) await delay(20)
          await migration.query('TRUNCATE a, b')
        }
        let waiting: Promise<void> | undefined
        const onEvent = (event: BackupEvent): void => {
          if (event.type === 'phase-begun' && event.phase === 'dump') waiting = truncate()
        }
        const { manifest } = await backUpTo(`${folder}/today`, url, { environment, onEvent })
        assert.equal(
          manifest.tables.map(({ rows }) => rows),
          [1, 1],
        )
        await waiting
      })
    })
  })
})

test('tables that are made and dropped without a pause are waited for, in bounds', async () => {
  await withDatabase(async (url) => {
    await runStatements(url, 'CREATE TABLE kept (id integer)')
    let isOver = false
    const churn = withClient(url, async (client) => {
      while (!isOver) {
        await client.query('CREATE TABLE coming (id integer)')
        await client.query('DROP TABLE coming')
        await delay(2)
      }
    })
    try {
      await withSession(monolithAt(url), { purpose: 'backup' }, async (client) => {
        const held = await holdSnapshot(client, 'postgres').catch((error: unknown) => error)
        if (held instanceof Failure) assert.match(held.message, 'each of 5 times')
        else if (held instanceof Error) throw held
        else assert.ok(JSON.stringify(held).includes('kept'))
      })
    } finally {
      isOver = true
      await churn
    }
  })
})

test('a snapshot stands only where it shows the tables that were locked, in the files that they have', () => {
  const table = { oid: '1', rewritten: false } as ListedTable
  assert.ok(standStill([table], [table]))
  assert.not(standStill([table], [{ ...table, rewritten: true }]))
  assert.not(standStill([table], [table, { ...table, oid: '2' }]))
  assert.not(standStill([table], []))
})

test.run()
