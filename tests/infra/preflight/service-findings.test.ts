import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createTableSql } from '../../../infra/service-database/ddl.ts'
import { STATE_VERSION } from '../../../infra/service-database/state-ddl.ts'
import { prepare } from '../../../infra/prepare/prepare.ts'
import type { Deployment } from '../../../infra/preflight/deployment.ts'
import { findingsOf } from './findings-of.ts'
import { run, shop, values, withShop } from './shop.ts'

/** The tables of service people, as its own migrations would make them, with more of their own. */
const OWN_TABLES = `
  CREATE TABLE "Tag" (id text PRIMARY KEY, note text, at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE "Person" (name text, email text NOT NULL, id text NOT NULL, CONSTRAINT people_pk PRIMARY KEY (id));
  CREATE UNIQUE INDEX a_name_of_their_own ON "Person" (email);
  CREATE INDEX ON "Person" (name);
  CREATE TABLE "_PersonToTag" ("A" text, "B" text, PRIMARY KEY ("B", "A"),
    FOREIGN KEY ("B") REFERENCES "Tag" ON UPDATE CASCADE ON DELETE CASCADE,
    FOREIGN KEY ("A") REFERENCES "Person" ON UPDATE CASCADE ON DELETE CASCADE);
  CREATE TABLE theirs (id int)`

const CASES: readonly { readonly change: string; readonly undo: string; readonly says: string }[] = [
  {
    change: `INSERT INTO "Tag" VALUES ('mine')`,
    undo: 'TRUNCATE "Tag" CASCADE',
    says:
      'error empty-table, service people: Table public."Tag" is not empty, and its rows did not come from the log. ' +
      'Correct the URL, or empty the table if nobody needs its rows (TRUNCATE public."Tag").',
  },
  {
    change: 'ALTER TABLE "Person" DROP name',
    undo: 'ALTER TABLE "Person" ADD name text; CREATE INDEX ON "Person" (name)',
    says: 'error existing-table, service people: Column name of table public."Person" does not exist.',
  },
  {
    change: 'ALTER TABLE "Tag" ADD required text NOT NULL',
    undo: 'ALTER TABLE "Tag" DROP required',
    says: 'error existing-table, service people: Column required of table public."Tag" is not in the contract.',
  },
  {
    change: 'ALTER TABLE "Tag" ALTER id TYPE varchar(10)',
    undo: 'ALTER TABLE "Tag" ALTER id TYPE text',
    says: 'error existing-table, service people: Column id of table public."Tag" is of type character varying(10), where the contract has text.',
  },
  {
    change: 'ALTER TABLE "Person" ALTER name SET NOT NULL',
    undo: 'ALTER TABLE "Person" ALTER name DROP NOT NULL',
    says: 'error existing-table, service people: Column name of table public."Person" is NOT NULL, where the contract allows null.',
  },
  {
    change: 'ALTER TABLE "Person" ALTER email DROP NOT NULL',
    undo: 'ALTER TABLE "Person" ALTER email SET NOT NULL',
    says: 'warning existing-table, service people: Column email of table public."Person" may be null, where the contract has NOT NULL.',
  },
  {
    change: 'DROP INDEX a_name_of_their_own',
    undo: 'CREATE UNIQUE INDEX a_name_of_their_own ON "Person" (email)',
    says: 'error existing-table, service people: There is no unique index over (email) of table public."Person".',
  },
  {
    change: 'DROP INDEX "Person_name_idx"; CREATE INDEX "Person_name_idx" ON "Person" (name) WHERE name IS NOT NULL',
    undo: 'DROP INDEX "Person_name_idx"; CREATE INDEX "Person_name_idx" ON "Person" (name)',
    says: 'error existing-table, service people: There is no index over (name) of table public."Person".',
  },
  {
    change: `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'a_name_of_their_own'::regclass`,
    undo: 'REINDEX INDEX a_name_of_their_own',
    says: 'error existing-table, service people: Index a_name_of_their_own over (email) of table public."Person" is INVALID.',
  },
  {
    change: 'ALTER TABLE "_PersonToTag" DROP CONSTRAINT "_PersonToTag_B_fkey"',
    undo: 'ALTER TABLE "_PersonToTag" ADD FOREIGN KEY ("B") REFERENCES "Tag" ON UPDATE CASCADE ON DELETE CASCADE NOT VALID',
    says:
      'error existing-table, service people: There is no foreign key from ("B") of table public."_PersonToTag" to public."Tag" ' +
      'ON DELETE CASCADE ON UPDATE CASCADE.',
  },
  {
    change: 'SELECT 1',
    undo: 'ALTER TABLE "_PersonToTag" VALIDATE CONSTRAINT "_PersonToTag_B_fkey"',
    says: 'error existing-table, service people: Foreign key "_PersonToTag_B_fkey" from ("B") of table public."_PersonToTag" to public."Tag" is NOT VALID.',
  },
  {
    change: 'ALTER TABLE "_PersonToTag" DROP CONSTRAINT "_PersonToTag_pkey", ADD PRIMARY KEY ("B", "A") DEFERRABLE',
    undo: 'ALTER TABLE "_PersonToTag" DROP CONSTRAINT "_PersonToTag_pkey"; CREATE UNIQUE INDEX ON "_PersonToTag" ("A", "B")',
    says: 'error existing-table, service people: The constraint of the key ("A", "B") of table public."_PersonToTag" is DEFERRABLE.',
  },
  {
    change: 'ALTER TABLE "_PersonToTag" SET UNLOGGED',
    undo: 'ALTER TABLE "_PersonToTag" SET LOGGED',
    says: 'error existing-table, service people: Table public."_PersonToTag" is unlogged: a crash would empty it.',
  },
]

/** What a compatible service is told all the same: two columns of its own that the log does not fill. */
const TOLERATED = [
  'warning existing-table, service people: Column note of table public."Tag" is not in the contract.',
  'warning existing-table, service people: Column at of table public."Tag" is not in the contract.',
]

test('tables of a service that its own migrations made are accepted by structure, and each misfit is named', () =>
  withShop(async ({ deployment, urls }) => {
    await run(urls.people, OWN_TABLES)
    const people = { ...deployment, services: deployment.services.slice(0, 1) }
    const isTolerated = (line: string): boolean => TOLERATED.some((text) => line.startsWith(text))
    assert.ok((await findingsOf(people)).every(isTolerated))
    for (const { change, undo, says } of CASES) {
      await run(urls.people, change)
      const findings = (await findingsOf(people)).filter((line) => !isTolerated(line))
      assert.ok(
        findings.some((line) => line.startsWith(says)),
        `${change}\n${says}\n${findings.join('\n')}`,
      )
      await run(urls.people, undo)
    }
    assert.ok((await findingsOf(people)).every(isTolerated))
  }))

test('a type of the contract with other labels, or that is no enum, is refused before a table is made', () =>
  withShop(async ({ deployment, urls }) => {
    await run(urls.orders, `CREATE TYPE "Status" AS ENUM ('PAID')`)
    assert.match(
      (await findingsOf(deployment)).join(),
      /^error existing-table, service orders: Enum public\."Status" lacks the label 'NEW', which the contract has\./,
    )
    await run(urls.orders, `DROP TYPE "Status"; CREATE TYPE "Status" AS ENUM ('PAID', 'NEW', 'ODD')`)
    assert.match(
      (await findingsOf(deployment)).join('\n'),
      /^warning existing-table, .* has the label 'ODD'.*\nwarning .* has its labels in another order/,
    )
    await run(urls.orders, `DROP TYPE "Status"; CREATE DOMAIN "Status" AS text`)
    assert.match(
      (await findingsOf(deployment)).join(),
      /^error existing-table, .*: public\."Status" exists and is not an enum\./,
    )
  }))

test('a service whose URL leads to the monolith, or to another service, is refused', () =>
  withShop(async ({ deployment, urls }) => {
    const database = new URL(urls.monolith).pathname.slice(1)
    const findings = await findingsOf(withUrls(deployment, urls.monolith, urls.orders))
    const separate = findings.filter((line) => line.includes('separate-databases'))
    assert.equal(separate, [
      `error separate-databases, service people: Its URL leads to database ${database}, which is that of the monolith. ` +
        'Give each service a database of its own, beside the monolith.',
    ])
    const shared = await findingsOf(withUrls(deployment, urls.people, `${urls.people}?application_name=x`))
    assert.match(
      shared.join(),
      /^error separate-databases, service orders: Its URL leads to database \w+, which is that of service people\./,
    )
  }))

test('a database that another prefix or service was prepared in is refused, and rows that the log brought are not', () =>
  withShop(async ({ deployment, urls }) => {
    await prepare(deployment, { withSlot: false, dryRun: false })
    await run(urls.people, `INSERT INTO "Tag" VALUES ('t')`)
    assert.match(
      (await findingsOf(deployment)).join(),
      /^error empty-table, service people: Table public\."Tag" is not empty/,
    )
    await run(urls.people, `UPDATE scission.entity SET epoch = 1, attempt = 1`)
    assert.equal(await findingsOf(deployment), [])
    const [foreign] = await findingsOf({ ...deployment, prefix: 'other' })
    assert.is(
      foreign,
      `error foreign-database, service people: Its database belongs to service people of the contract set shop with the prefix ` +
        `${deployment.prefix}. Correct the URL, or the prefix.`,
    )
    const swapped = await findingsOf(withUrls(deployment, urls.orders, urls.people))
    assert.match(swapped.join('\n'), /error foreign-database, service people: Its database belongs to service orders/)
    await run(urls.people, 'DROP TABLE "Tag"; UPDATE scission.checkpoint SET state_version = 99')
    const gone = (await findingsOf(deployment)).join('\n')
    assert.match(
      gone,
      new RegExp(
        `error foreign-database, service people: Its database holds Scission's tables in version 99, and this release knows ${STATE_VERSION}\\.`,
      ),
    )
    assert.match(gone, /error lost-table, service people: Table public\."Tag" was loaded from the log, and is gone\./)
  }))

test('tables without keys are no misfit while prepare has made them and the consumer has not built the keys', () =>
  withShop(async ({ deployment, urls }) => {
    await prepare(deployment, { withSlot: false, dryRun: false })
    assert.equal(await findingsOf(deployment), [])
    await run(urls.people, 'UPDATE scission.entity SET created = false')
    assert.ok(
      (await findingsOf(deployment)).every((line) =>
        /^error existing-table, service people: (The key|There is no)/.test(line),
      ),
    )
    await run(
      urls.people,
      `INSERT INTO scission.set_aside (entity, kind, name, restore) SELECT entity, 'index', 'x', '{}' FROM scission.entity`,
    )
    assert.equal(await findingsOf(deployment), [])
  }))

test('a role that may not make what a service needs gets a sentence for each, with the GRANT that cures it', () =>
  withShop(async ({ deployment, urls }) => {
    const role = `role_${deployment.prefix}`
    const [people] = shop.services
    const [, tag] = people?.entities ?? []
    assert.ok(tag)
    await run(
      urls.people,
      `CREATE ROLE ${role} LOGIN PASSWORD 'secret'; ${createTableSql(tag)}; ALTER TABLE "Tag" ADD PRIMARY KEY (id);
       REVOKE CREATE ON SCHEMA public FROM PUBLIC`,
    )
    try {
      const url = new URL(urls.people)
      url.username = role
      url.password = 'secret'
      const database = url.pathname.slice(1)
      const all = await findingsOf(withUrls(deployment, url.href, urls.orders))
      const [passingOver, ...others] = all.filter((line) => line.startsWith('warning passing-over, service people: '))
      assert.match(passingOver ?? '', `Role ${role} may not let foreign keys rest`)
      const findings = all.filter((line) => line !== passingOver)
      assert.is(others.length, 0)
      assert.equal(findings, [
        `error privileges, service people: Role ${role} may not create schema scission in database ${database}. GRANT CREATE ON DATABASE ${database} TO ${role}.`,
        `error privileges, service people: Role ${role} may not create tables in schema public. GRANT CREATE, USAGE ON SCHEMA public TO ${role}.`,
        `error privileges, service people: Role ${role} does not own table public."Tag", whose indexes are set aside while it is loaded. GRANT the owner's role to ${role}.`,
      ])
    } finally {
      await run(urls.people, `DROP OWNED BY ${role}; DROP ROLE ${role}`)
    }
  }))

test('a server that cannot be reached is a finding, leaves out its own checks alone, and no URL is printed', () =>
  withShop(async ({ deployment, urls }) => {
    await run(urls.monolith, 'CREATE TABLE "Forgotten" (id int)')
    const wrong = new URL(urls.orders)
    wrong.password = 'guessed-secret'
    const nowhere = 'postgres://someone:hidden-secret@127.0.0.1:1/nowhere'
    const nats = { ...deployment.nats, url: 'nats://someone:hidden-secret@127.0.0.1:1' }
    const findings = await findingsOf({ ...withUrls(deployment, nowhere, wrong.href), nats })
    assert.is(findings.length, 4, findings.join('\n'))
    assert.match(
      findings[0] ?? '',
      /^error connection, service people: The database of service people .* refuses connections/,
    )
    assert.match(
      findings[1] ?? '',
      /^error connection, service orders: The database of service orders .* refuses the password/,
    )
    assert.match(findings[2] ?? '', /^error connection, NATS: NATS at 127\.0\.0\.1:1 \(NATS_URL\) does not answer/)
    assert.match(findings[3] ?? '', /^error unclaimed-table, the monolith/)
    assert.not.match(findings.join(), /secret/)
  }))

test('a table that somebody holds exclusively is a finding after two seconds', () =>
  withShop(async ({ deployment, urls }) => {
    await run(urls.people, OWN_TABLES)
    const holder = values(urls.people, 'BEGIN; LOCK TABLE "Tag"; SELECT pg_sleep(4)')
    await values(urls.people, 'SELECT pg_sleep(0.3)')
    assert.match(
      (await findingsOf(deployment)).join(),
      /^error connection, service people: It refused to be looked at: canceling statement due to lock timeout\./,
    )
    await holder.catch(() => undefined)
  }))

function withUrls(deployment: Deployment, people: string, orders: string): Deployment {
  const urls = [people, orders]
  return {
    ...deployment,
    services: deployment.services.map(({ service, database }, place) => ({
      service,
      database: { ...database, url: urls[place] ?? '' },
    })),
  }
}

test.run()
