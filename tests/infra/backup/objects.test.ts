import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Failure } from '../../../contracts/failure.ts'
import type { BackupEvent } from '../../../infra/backup/events.ts'
import { type DatabaseObject, readObjects } from '../../../infra/backup/read-objects.ts'
import { holdSnapshot } from '../../../infra/backup/snapshot.ts'
import { withSession } from '../../../infra/postgres/session.ts'
import { withDatabase } from '../../with-servers.ts'
import { placeOwnPrograms, REAL } from './own-programs.ts'
import { backUpTo, monolithAt, runStatements, testWithPgDump, withClient, withFolder } from './with-backup.ts'

const LASTING = [
  'CREATE TABLE kept (id integer PRIMARY KEY DEFAULT 7, CHECK (id > 0))',
  'CREATE VIEW seen AS SELECT id FROM kept',
  `CREATE FUNCTION one() RETURNS integer LANGUAGE sql AS 'SELECT 1'`,
  `CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`,
]

/** One of everything that belongs to a relation and has no schema of its own, and statistics, which have another one. */
const TEMPORARY = [
  'CREATE TEMPORARY TABLE draft (id integer PRIMARY KEY DEFAULT 7, other serial, CHECK (id > 0))',
  'CREATE TEMPORARY TABLE part (id integer REFERENCES draft)',
  'CREATE TEMPORARY VIEW drafts AS SELECT id FROM draft',
  'CREATE RULE nothing AS ON INSERT TO draft DO INSTEAD NOTHING',
  'CREATE TRIGGER touched BEFORE UPDATE ON draft FOR EACH ROW EXECUTE FUNCTION touch()',
  'CREATE POLICY own ON draft USING (id > 0)',
  'CREATE STATISTICS pg_temp.together ON id, other FROM draft',
]

function namesOf(objects: readonly DatabaseObject[] | null): string[] {
  return objects?.map(({ type, name }) => `${type} ${name}`) ?? []
}

testWithPgDump('what other sessions have made for themselves alone is no part of a backup', async () => {
  await withDatabase(async (url) => {
    await runStatements(url, ...LASTING)
    await withClient(url, async (other) => {
      for (const sql of TEMPORARY) await other.query(sql)
      await withFolder(async (folder) => {
        const { manifest, differences } = await backUpTo(`${folder}/today`, url, { prove: true })
        assert.equal(differences, [])
        const { 'default value': defaults, 'table constraint': constraints, rule, trigger } = manifest.objects
        assert.equal(
          [defaults, constraints, rule, trigger, manifest.objects['policy']],
          [1, 2, 1, undefined, undefined],
        )
      })
    })
  })
})

test('statistics of a temporary table are left out too where they lie in a lasting schema', async () => {
  await withDatabase(async (url) => {
    await runStatements(url, ...LASTING)
    await withClient(url, async (other) => {
      for (const sql of TEMPORARY) await other.query(sql.replace('pg_temp.', 'public.'))
      await withSession(monolithAt(url), { purpose: 'backup' }, async (client) => {
        const names = namesOf(await readObjects(client))
        assert.equal(
          names.filter((name) => /draft|together|pg_temp/.test(name)),
          [],
        )
        assert.ok(names.includes('view public.seen'))
      })
    })
  })
})

testWithPgDump('what is dropped or replaced while pg_dump runs is proven as the snapshot showed it', async () => {
  await withDatabase(async (url) => {
    await runStatements(url, ...LASTING, 'CREATE FUNCTION two() RETURNS integer LANGUAGE sql RETURN 2')
    await withFolder(async (folder) => {
      const script = `${REAL} "$@" || exit; touch ${folder}/dumped; while [ ! -e ${folder}/changed ]; do sleep 0.1; done`
      const environment = await placeOwnPrograms(folder, { pg_dump: script })
      const change = async (): Promise<void> => {
        while (!existsSync(`${folder}/dumped`)) await delay(20)
        const one = `CREATE OR REPLACE FUNCTION one() RETURNS integer LANGUAGE sql AS 'SELECT 11'`
        await runStatements(url, 'DROP VIEW seen', 'DROP FUNCTION two()', one)
        await writeFile(`${folder}/changed`, '')
      }
      let changing: Promise<void> | undefined
      const onEvent = (event: BackupEvent): void => {
        if (event.type === 'phase-begun' && event.phase === 'dump') changing = change()
      }
      const { manifest, differences } = await backUpTo(`${folder}/today`, url, { prove: true, environment, onEvent })
      await changing
      assert.equal(differences, [])
      assert.equal([manifest.objects['view'], manifest.objects['function']], [1, 3])
    })
  })
})

for (const dropped of ['FUNCTION one()', 'VIEW seen'])
  test(`objects of which the snapshot shows one that is gone, ${dropped}, are not known`, async () => {
    await withDatabase(async (url) => {
      await runStatements(url, ...LASTING)
      await withSession(monolithAt(url), { purpose: 'backup' }, async (client) => {
        await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT')
        await runStatements(url, `DROP ${dropped}`)
        assert.is(await readObjects(client), null)
        await client.query('ROLLBACK')
        assert.ok(namesOf(await readObjects(client)).includes('table public.kept'))
      })
    })
  })

test('a view that a migration keeps to itself is waited for, in bounds', async () => {
  await withDatabase(async (url) => {
    await runStatements(url, ...LASTING)
    await withClient(url, async (migration) => {
      await migration.query('BEGIN; DROP VIEW seen')
      await withSession(monolithAt(url), { purpose: 'backup' }, async (client) => {
        const failure = await holdSnapshot(client, 'postgres', 100).catch((error: unknown) => error)
        assert.instance(failure, Failure)
        assert.match((failure as Failure).message, /^A view of the monolith was locked against readers for 0\.1 s: /)
      })
    })
  })
})

test.run()
