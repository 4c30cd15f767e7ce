import { randomBytes } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { withDatabase } from '../../with-servers.ts'
import { backUpTo, failureOf, runStatements, testWithPgDump, withClient, withFolder } from './with-backup.ts'

/** A role of the server for as long as `use` takes; roles are not a database's. */
async function withRole<Result>(url: string, use: (role: string, url: string) => Promise<Result>): Promise<Result> {
  const role = `Backup "role" ${randomBytes(4).toString('hex')}`
  const quoted = `"${role.replaceAll('"', '""')}"`
  await runStatements(url, `CREATE ROLE ${quoted} LOGIN PASSWORD 'of it'`)
  try {
    const own = new URL(url)
    own.username = encodeURIComponent(role)
    own.password = encodeURIComponent('of it')
    return await use(role, own.href)
  } finally {
    await runStatements(url, `DROP OWNED BY ${quoted}`, `DROP ROLE ${quoted}`)
  }
}

async function withOwnDatabase(url: string, options: string, use: (url: string) => Promise<void>): Promise<void> {
  const name = `own_${randomBytes(6).toString('hex')}`
  await runStatements(url, `CREATE DATABASE ${name} TEMPLATE template0 ${options}`)
  const own = new URL(url)
  own.pathname = `/${name}`
  try {
    await use(own.href)
  } finally {
    await runStatements(url, `DROP DATABASE ${name} WITH (FORCE)`)
  }
}

testWithPgDump('owners, rights and policies of roles that a dump does not hold come back in the proof', async () => {
  await withDatabase(async (url) => {
    await withRole(url, async (role) => {
      const quoted = `"${role.replaceAll('"', '""')}"`
      await runStatements(
        url,
        `CREATE SCHEMA private AUTHORIZATION ${quoted}`,
        'CREATE TABLE private.note (id integer PRIMARY KEY, text text)',
        `ALTER TABLE private.note OWNER TO ${quoted}`,
        'CREATE TABLE shared AS SELECT 1 AS id',
        'ALTER TABLE shared ENABLE ROW LEVEL SECURITY',
        `CREATE POLICY own ON shared TO ${quoted} USING (id > 0)`,
        `GRANT SELECT ON shared TO ${quoted}`,
        `CREATE MATERIALIZED VIEW private.notes AS SELECT count(*) AS notes FROM private.note`,
        `ALTER MATERIALIZED VIEW private.notes OWNER TO ${quoted}`,
        // Nobody else may own one.
        `ALTER ROLE ${quoted} SUPERUSER`,
        `CREATE FUNCTION private.seen() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END'`,
        'CREATE EVENT TRIGGER seen ON ddl_command_end EXECUTE FUNCTION private.seen()',
        `ALTER EVENT TRIGGER seen OWNER TO ${quoted}`,
      )
      await withFolder(async (folder) => {
        const { manifest, differences } = await backUpTo(`${folder}/today`, url, { prove: true })
        assert.equal(differences, [])
        assert.ok(manifest.roles.includes(role))
        assert.is(manifest.objects['policy'], 1)
        await runStatements(url, 'DROP EVENT TRIGGER seen', 'DROP SCHEMA private CASCADE', 'DROP TABLE shared')
      })
    })
  })
})

testWithPgDump('a database of another encoding is proven in that encoding', async () => {
  await withDatabase(async (server) => {
    await withOwnDatabase(server, `ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'`, async (url) => {
      await runStatements(url, 'CREATE TABLE word (text text)', `INSERT INTO word VALUES ('été'), ('Ærø')`)
      await withFolder(async (folder) => {
        const { manifest, differences } = await backUpTo(`${folder}/today`, url, { prove: true })
        assert.equal(differences, [])
        assert.is(manifest.monolith.encoding, 'LATIN1')
        assert.is(manifest.proof?.sameLocale, true)
      })
    })
  })
})

testWithPgDump('partitions come back, also where their rows move between them', async () => {
  await withDatabase(async (url) => {
    await runStatements(
      url,
      // Labels that are added later have numbers that no copy has, and the partition hangs on the number.
      `CREATE TYPE colour AS ENUM ('c0')`,
      ...Array.from({ length: 30 }, (_, number) => `ALTER TYPE colour ADD VALUE 'c${number + 1}'`),
      'CREATE TABLE paint (id serial, colour colour) PARTITION BY HASH (colour)',
      ...[0, 1, 2].map(
        (place) => `CREATE TABLE paint_${place} PARTITION OF paint FOR VALUES WITH (MODULUS 3, REMAINDER ${place})`,
      ),
      `INSERT INTO paint (colour) SELECT ('c' || number % 31)::colour FROM generate_series(1, 500) AS number`,
      'CREATE TABLE day (day date PRIMARY KEY, note text) PARTITION BY RANGE (day)',
      `CREATE TABLE day_past PARTITION OF day FOR VALUES FROM (MINVALUE) TO ('2020-01-01')`,
      'CREATE TABLE day_other PARTITION OF day DEFAULT',
      'CREATE TABLE visit (day date REFERENCES day, who text)',
      `INSERT INTO day SELECT date '2019-12-01' + number, 'x' FROM generate_series(1, 60) AS number`,
      `INSERT INTO visit SELECT day, 'y' FROM day`,
    )
    await withFolder(async (folder) => {
      const { manifest, differences } = await backUpTo(`${folder}/today`, url, { prove: true })
      assert.equal(differences, [])
      const rows = manifest.tables.filter(({ table }) => table.startsWith('paint_')).map((table) => table.rows)
      assert.is(
        rows.reduce((sum, count) => sum + count, 0),
        500,
      )
    })
  })
})

testWithPgDump('a database with nothing in it, and tables without columns or rows, are backed up too', async () => {
  await withDatabase(async (url) => {
    await withFolder(async (folder) => {
      const empty = await backUpTo(`${folder}/empty`, url, { prove: true })
      assert.equal([empty.differences, empty.manifest.tables], [[], []])
      await runStatements(
        url,
        'CREATE TABLE no_columns ()',
        'INSERT INTO no_columns DEFAULT VALUES',
        'CREATE TABLE no_rows (id integer)',
        'CREATE TABLE empty_texts (text text)',
        `INSERT INTO empty_texts VALUES (''), (''), (NULL), ('\\.'), (E'\\n\\\\.\\n')`,
      )
      const { manifest, differences } = await backUpTo(`${folder}/odd`, url, { prove: true })
      assert.equal(differences, [])
      assert.equal(
        manifest.tables.map(({ table, rows }) => [table, rows]),
        [
          ['empty_texts', 5],
          ['no_columns', 1],
          ['no_rows', 0],
        ],
      )
    })
  })
})

testWithPgDump('tables that the role cannot read, or not wholly, are named before anything is written', async () => {
  await withDatabase(async (url) => {
    await withRole(url, async (role, own) => {
      await runStatements(url, 'CREATE TABLE hidden AS SELECT 1 AS id', 'CREATE TABLE "Other" (id integer)')
      await withFolder(async (folder) => {
        const unreadable = await failureOf(backUpTo(`${folder}/today`, own))
        assert.is(unreadable.exitCode, 4)
        assert.match(unreadable.message, `Role ${role} may not read 2 tables: public."Other", public.hidden: `)
        await runStatements(
          url,
          `GRANT SELECT ON hidden, "Other" TO "${role.replaceAll('"', '""')}"`,
          'ALTER TABLE hidden ENABLE ROW LEVEL SECURITY',
        )
        const hidden = await failureOf(backUpTo(`${folder}/today`, own))
        assert.match(hidden.message, `Row-level security hides rows of table public.hidden from role ${role}: `)
      })
    })
  })
})

testWithPgDump('what pg_dump itself may not read is told in its words, and nothing stays', async () => {
  await withDatabase(async (url) => {
    await withRole(url, async (role, own) => {
      await runStatements(
        url,
        'CREATE TABLE counted (id serial)',
        `GRANT SELECT ON counted TO "${role.replaceAll('"', '""')}"`,
      )
      await withFolder(async (folder) => {
        const failure = await failureOf(backUpTo(`${folder}/today`, own))
        assert.is(failure.exitCode, 4)
        assert.match(failure.message, 'permission denied for sequence counted_id_seq')
        await withClient(url, async (client) => {
          await client.query(`GRANT SELECT ON counted_id_seq TO "${role.replaceAll('"', '""')}"`)
        })
        assert.equal((await backUpTo(`${folder}/today`, own)).differences, [])
      })
    })
  })
})

test.run()
