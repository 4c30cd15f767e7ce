import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { withEmbeddedPostgres } from '../../../infra/embedded/postgres-server.ts'
import { withDatabase } from '../../with-servers.ts'
import { findingsOf } from './findings-of.ts'
import { run, values, withShop } from './shop.ts'

/** What one finding says where the monolith is changed so, and how the finding is gone again. */
const CASES: readonly { readonly change: string; readonly undo: string; readonly says: RegExp }[] = [
  {
    change: 'CREATE TABLE "Forgotten" (id int)',
    undo: 'DROP TABLE "Forgotten"',
    says: /^error unclaimed-table, the monolith: Table public\."Forgotten" is in no contract: its rows would stay behind\. Give it to a service's contract, or name it in the contract set's leftBehind\.$/,
  },
  {
    change: 'CREATE SCHEMA "Other"; CREATE TABLE "Other"."log" (id int)',
    undo: 'DROP SCHEMA "Other" CASCADE',
    says: /^error unclaimed-table, .*: Table "Other"\.log is in no contract/,
  },
  {
    change: `CREATE TABLE parts (id int) PARTITION BY LIST (id); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1)`,
    undo: 'DROP TABLE parts',
    says: /^error unclaimed-table, .*: Table public\.parts is in no contract/,
  },
  {
    change: 'ALTER TABLE "Tag" RENAME TO tag',
    undo: 'ALTER TABLE tag RENAME TO "Tag"',
    says: /^error contract, the monolith: Table public\."Tag" does not exist\./,
  },
  {
    change: 'ALTER TABLE "Person" RENAME email TO mail',
    undo: 'ALTER TABLE "Person" RENAME mail TO email',
    says: /^error contract, the monolith: Column email of table public\."Person" does not exist\. Correct the contract, or the monolith/,
  },
  {
    change: 'ALTER TABLE "Person" ADD "phoneNumber" text',
    undo: 'ALTER TABLE "Person" DROP "phoneNumber"',
    says: /^error contract, .*: Column "phoneNumber" of table public\."Person" is not in the contract\./,
  },
  {
    change: 'ALTER TABLE "Order" ALTER total TYPE bigint',
    undo: 'ALTER TABLE "Order" ALTER total TYPE integer',
    says: /^error contract, .*: Column total of table public\."Order" is of type bigint, where the contract has integer\./,
  },
  {
    change: 'ALTER TABLE "Person" ALTER email DROP NOT NULL',
    undo: 'ALTER TABLE "Person" ALTER email SET NOT NULL',
    says: /^error contract, .*: Column email of table public\."Person" may be null, where the contract has NOT NULL\./,
  },
  {
    change: 'ALTER TABLE "Order" ALTER total SET NOT NULL',
    undo: 'ALTER TABLE "Order" ALTER total DROP NOT NULL',
    says: /^warning contract, .*: Column total of table public\."Order" is NOT NULL, where the contract allows null\./,
  },
  {
    change: 'ALTER TABLE "Order" ALTER total SET NOT NULL, ALTER total ADD GENERATED ALWAYS AS IDENTITY',
    undo: 'ALTER TABLE "Order" ALTER total DROP IDENTITY, ALTER total DROP NOT NULL',
    says: /^error contract, .*: Column total of table public\."Order" is an identity column \(ALWAYS\), where the contract has no identity column\./,
  },
  {
    change: 'ALTER TABLE "Order" DROP total, ADD total integer GENERATED ALWAYS AS (1) STORED',
    undo: 'ALTER TABLE "Order" ALTER total DROP EXPRESSION',
    says: /^error contract, .*: Column total of table public\."Order" is generated, in the contract it is not\./,
  },
  {
    change: `ALTER TABLE "Tag" DROP CONSTRAINT "Tag_pkey" CASCADE`,
    undo: `ALTER TABLE "Tag" ADD PRIMARY KEY (id)`,
    says: /^error contract, .*: The key \(id\) of table public\."Tag" has no primary key or unique index over exactly these columns\. Create a unique index over the key/,
  },
  {
    change: `ALTER TABLE "Tag" DROP CONSTRAINT "Tag_pkey", ADD PRIMARY KEY (id) DEFERRABLE`,
    undo: `ALTER TABLE "Tag" DROP CONSTRAINT "Tag_pkey", ADD PRIMARY KEY (id)`,
    says: /^warning contract, .*: The constraint of the key \(id\) of table public\."Tag" is DEFERRABLE\./,
  },
  {
    change: `ALTER TYPE "Status" ADD VALUE 'LOST'; ALTER TYPE "Status" ADD VALUE 'it''s'`,
    undo: `ALTER TABLE "Order" ALTER status DROP DEFAULT, ALTER status TYPE text; DROP TYPE "Status";
           CREATE TYPE "Status" AS ENUM ('NEW', 'PAID'); ALTER TABLE "Order" ALTER status TYPE "Status" USING status::"Status"`,
    says: /^error contract, .*: Enum public\."Status" has the labels 'LOST', 'it''s', which the contract does not know\./,
  },
  {
    change: `ALTER TYPE "Status" RENAME VALUE 'NEW' TO 'FRESH'`,
    undo: `ALTER TYPE "Status" RENAME VALUE 'FRESH' TO 'NEW'`,
    says: /^warning contract, .*: Enum public\."Status" lacks the label 'NEW', which the contract has\./,
  },
  {
    change: 'ALTER TABLE "_PersonToTag" SET UNLOGGED',
    undo: 'ALTER TABLE "_PersonToTag" SET LOGGED',
    says: /^error ordinary-table, .*: Table public\."_PersonToTag" is unlogged: its changes are not in the WAL\. ALTER TABLE public\."_PersonToTag" SET LOGGED, or use --no-slot/,
  },
  {
    change: 'CREATE VIEW v AS SELECT id FROM "Tag"; ALTER TABLE "Tag" RENAME TO t; ALTER VIEW v RENAME TO "Tag"',
    undo: 'DROP VIEW "Tag"; ALTER TABLE t RENAME TO "Tag"',
    says: /^error contract, .*: public\."Tag" is a view, not an ordinary table\. Give the contract ordinary tables/,
  },
]

test('each difference of the monolith is one finding that names it and its cure, and is gone with its cause', () =>
  withShop(async ({ deployment, urls }) => {
    assert.equal(await findingsOf(deployment), [])
    await run(
      urls.monolith,
      'ALTER TABLE "_PersonToTag" DROP CONSTRAINT "_PersonToTag_A_fkey", DROP CONSTRAINT "_PersonToTag_B_fkey"',
    )
    for (const { change, undo, says } of CASES) {
      await run(urls.monolith, change)
      const findings = await findingsOf(deployment)
      assert.ok(
        findings.some((line) => says.test(line)),
        `${change}\n${says}\n${findings.join('\n')}`,
      )
      await run(urls.monolith, undo)
      assert.equal(await findingsOf(deployment), [], undo)
    }
  }))

test('an unlogged table is no hindrance to a planned downtime', () =>
  withShop(async ({ deployment, urls }) => {
    await run(urls.monolith, 'ALTER TABLE "_PersonToTag" SET UNLOGGED')
    assert.equal(await findingsOf(deployment, false), [])
  }))

test("tables of extensions, views, sequences, temporary tables and Scission's own are no unclaimed tables", () =>
  withShop(async ({ deployment, urls }) => {
    await run(
      urls.monolith,
      `CREATE SEQUENCE s; CREATE VIEW v AS SELECT 1; CREATE MATERIALIZED VIEW m AS SELECT 1;
       CREATE SCHEMA scission; CREATE TABLE scission.own (id int);
       CREATE TABLE owned (id int); CREATE EXTENSION hstore; ALTER EXTENSION hstore ADD TABLE owned`,
    )
    assert.equal(await findingsOf(deployment), [])
  }))

test('a role without rights gets a sentence for each, with the GRANT that cures it', () =>
  withShop(async ({ deployment, urls }) => {
    await withRole(urls.monolith, async (role, url) => {
      await run(urls.monolith, `REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT SELECT ON "Tag" TO ${role}`)
      const monolith = { ...deployment.monolith, url }
      const closed = await findingsOf({ ...deployment, monolith })
      assert.ok(
        closed.includes(
          `error privileges, the monolith: Role ${role} may not use schema public. GRANT USAGE ON SCHEMA public TO ${role}.`,
        ),
      )
      await run(urls.monolith, `GRANT USAGE ON SCHEMA public TO ${role}`)
      const findings = await findingsOf({ ...deployment, monolith })
      const says = (text: string): void =>
        assert.ok(
          findings.some((line) => line.includes(text)),
          `${text}\n${findings.join('\n')}`,
        )
      says(`Role ${role} may not create a slot. ALTER ROLE ${role} REPLICATION, or use --no-slot`)
      says(`Role ${role} may not read table public."Person". GRANT SELECT ON public."Person" TO ${role}.`)
      says(`Role ${role} does not own table public."Tag", and only its owner may publish it.`)
      says('may create neither a publication nor a schema in database')
      assert.not.ok(findings.some((line) => line.includes('may not read table public."Tag"')))
      await run(urls.monolith, `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`)
      assert.equal(await findingsOf({ ...deployment, monolith }, false), [])
    })
  }))

test('row-level security is refused where it applies to our role, and nowhere else', () =>
  withShop(async ({ deployment, urls }) => {
    await run(urls.monolith, 'ALTER TABLE "Tag" ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON "Tag" USING (false)')
    assert.equal(await findingsOf(deployment), [])
    await withRole(urls.monolith, async (role, url) => {
      await run(urls.monolith, `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`)
      assert.equal(await findingsOf({ ...deployment, monolith: { ...deployment.monolith, url } }, false), [
        `error row-level-security, the monolith: Row-level security of table public."Tag" hides rows from role ${role}. ` +
          `ALTER ROLE ${role} BYPASSRLS, or use the table's owner where the security is not forced.`,
      ])
    })
  }))

test('a server on wal_level = replica without a free slot or WAL sender says all three, and nothing without a slot', () =>
  withShop(async ({ deployment }) => {
    const settings = { wal_level: 'replica', max_replication_slots: '0', max_wal_senders: '0' }
    await withEmbeddedPostgres({ settings, fsync: false }, async ({ url }) => {
      const set = { ...deployment.set, services: [] }
      const other = { ...deployment, set, services: [], monolith: { ...deployment.monolith, url } }
      assert.equal(await findingsOf(other), [
        'error wal-level, the monolith: wal_level is replica: a slot needs logical. Set wal_level = logical and restart the server ' +
          '(ALTER SYSTEM SET wal_level = logical), or stop the writers for a planned downtime, and use --no-slot.',
        'error free-slot, the monolith: All 0 replication slots (max_replication_slots) are taken. Raise max_replication_slots and ' +
          'restart the server, drop a slot that nobody needs, or stop the writers for a planned downtime, and use --no-slot.',
        'error free-wal-sender, the monolith: All 0 WAL senders (max_wal_senders) are taken. Raise max_wal_senders and ' +
          'restart the server, end one that nobody needs, or stop the writers for a planned downtime, and use --no-slot.',
      ])
      assert.equal(await findingsOf(other, false), [])
    })
  }))

test('a database that is not encoded in UTF8 is refused, as its texts have other bytes', () =>
  withShop(async ({ deployment, urls }) => {
    for (const encoding of ['SQL_ASCII', 'LATIN1']) {
      const name = `other_${deployment.prefix}`
      await run(
        urls.people,
        `CREATE DATABASE ${name} ENCODING '${encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`,
      )
      try {
        const url = new URL(urls.monolith)
        url.pathname = `/${name}`
        const set = { ...deployment.set, services: [] }
        const [line, ...rest] = await findingsOf({
          ...deployment,
          set,
          services: [],
          monolith: { ...deployment.monolith, url: url.href },
        })
        assert.match(
          line ?? '',
          `error encoding, the monolith: Database ${name} is encoded in ${encoding}: texts would not have the same bytes`,
        )
        assert.equal(rest, [])
      } finally {
        await run(urls.people, `DROP DATABASE ${name}`)
      }
    }
  }))

test('a slot or publication of our name that is not ours is refused', () =>
  withShop(async ({ deployment, urls }) => {
    const name = `scission_${deployment.prefix}`
    await withDatabase(async (other) => {
      await run(other, `SELECT pg_create_logical_replication_slot('${name}', 'pgoutput')`)
      await run(urls.monolith, `CREATE PUBLICATION ${name}`)
      const findings = await findingsOf(deployment)
      assert.is(findings.length, 2, findings.join('\n'))
      assert.match(findings[0] ?? '', `error slot-name, the monolith: Slot ${name} exists and is one of database test_`)
      assert.match(
        findings[1] ?? '',
        `error publication, the monolith: Publication ${name} exists, and no record says that it is ours.`,
      )
    })
    assert.equal(await values(urls.monolith, `SELECT pubname FROM pg_publication`), [name])
  }))

/** A login role that owns nothing, and the monolith's URL for it. */
async function withRole(url: string, use: (role: string, url: string) => Promise<void>): Promise<void> {
  const role = `role_${new URL(url).pathname.slice(1)}`
  await run(url, `CREATE ROLE ${role} LOGIN PASSWORD 'secret'`)
  try {
    const own = new URL(url)
    own.username = role
    own.password = 'secret'
    await use(role, own.href)
  } finally {
    await run(url, `DROP OWNED BY ${role}; DROP ROLE ${role}`)
  }
}

test.run()
