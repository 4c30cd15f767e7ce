import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Failure } from '../../../contracts/failure.ts'
import { cancel } from '../../../infra/cancel/cancel.ts'
import type { CancelledStep } from '../../../infra/cancel/step.ts'
import type { Deployment } from '../../../infra/preflight/deployment.ts'
import { CONSUMER_LEASE_NAME, publisherLockName } from '../../../infra/prepare/names.ts'
import { prepare } from '../../../infra/prepare/prepare.ts'
import { readEndState } from '../prepare/end-state.ts'
import { run, type Shop, values, withClient, withShop } from '../preflight/shop.ts'

const PREPARE = { withSlot: true, dryRun: false }
const ALL = { withLog: true, withServices: true, dryRun: false }
const MONOLITH = { withLog: false, withServices: false, dryRun: false }

/** One table for each identity that a table can have, and one more whose index is its identity. */
const IDENTITIES = `
  ALTER TABLE "_PersonToTag" REPLICA IDENTITY USING INDEX "_PersonToTag_AB_unique";
  ALTER TABLE "Tag" REPLICA IDENTITY NOTHING;
  ALTER TABLE "Order" REPLICA IDENTITY FULL;
  ALTER TABLE "Person" REPLICA IDENTITY USING INDEX "Person_email_key"`

const RELREPLIDENT = `SELECT format('%s %s %s', c.relname, c.relreplident,
    (SELECT ic.relname FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisreplident))
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname = 'public' ORDER BY c.relname`

test('the monolith is as it was, to each replica identity, and the services and the log stay unless they are asked for', () =>
  withShop(async ({ deployment, urls }) => {
    await run(urls.monolith, IDENTITIES)
    const before = await readEndState(deployment)
    const identities = await values(urls.monolith, RELREPLIDENT)
    await prepare(deployment, PREPARE)
    await makeSlot(deployment)
    const prepared = await readEndState(deployment)
    assert.not.equal(await values(urls.monolith, RELREPLIDENT), identities)
    await cancel(deployment, MONOLITH)
    assert.equal(await values(urls.monolith, RELREPLIDENT), identities)
    const after = await readEndState(deployment)
    assert.equal(after.monolith, before.monolith)
    assert.equal([after.services, after.streams], [prepared.services, prepared.streams])
    assert.ok((await cancel(deployment, MONOLITH)).every(({ outcome }) => outcome === 'absent'))
    await cancel(deployment, ALL)
    assert.equal(await readEndState(deployment), before)
  }))

test('a dry run says what would be undone and undoes nothing', () =>
  withShop(async ({ deployment }) => {
    await prepare(deployment, PREPARE)
    await makeSlot(deployment)
    const before = await readEndState(deployment)
    const planned = await cancel(deployment, { ...ALL, dryRun: true })
    assert.ok(planned.every(({ outcome }) => outcome === 'planned'))
    assert.equal(await readEndState(deployment), before)
    const done = await cancel(deployment, ALL)
    assert.equal(
      done.map(({ action }) => action),
      planned.map(({ action }) => action),
    )
  }))

test('a slot that somebody streams from is refused with his process, before anything is changed', () =>
  withShop(async ({ deployment, urls }) => {
    await prepare(deployment, PREPARE)
    await makeSlot(deployment)
    await withStream(deployment, urls, async (pid) => {
      const before = await readEndState(deployment)
      const failure = await failureOf(cancel(deployment, ALL))
      assert.match(
        failure.message,
        `Slot scission_${deployment.prefix} is in use by PostgreSQL process ${pid} (application "receiver"): end it`,
      )
      assert.equal(await readEndState(deployment), before)
    })
  }))

test('a publisher or a consumer that runs is refused, before anything is changed', () =>
  withShop(async ({ deployment, urls }) => {
    await prepare(deployment, PREPARE)
    const before = await readEndState(deployment)
    const locks: [string, string, RegExp][] = [
      [
        urls.monolith,
        publisherLockName(deployment.prefix),
        /^A publisher of \w+ is running: end it, then cancel again\./,
      ],
      [
        urls.orders,
        CONSUMER_LEASE_NAME,
        /^A consumer or a replay of service orders runs on the database of service orders: end it/,
      ],
    ]
    for (const [url, name, says] of locks)
      await withClient(url, async (client) => {
        await client.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [name])
        assert.match((await failureOf(cancel(deployment, ALL))).message, says)
        assert.equal(await readEndState(deployment), before)
      })
  }))

test('whoever looks at the slot for a moment is waited for', () =>
  withShop(async ({ deployment, urls }) => {
    await prepare(deployment, PREPARE)
    await withClient(urls.monolith, async (client) => {
      const name = publisherLockName(deployment.prefix)
      await client.query('SELECT pg_advisory_lock_shared(hashtextextended($1, 0))', [name])
      const cancelling = cancel(deployment, ALL)
      await sleep(700)
      await client.query('SELECT pg_advisory_unlock_all()')
      await cancelling
    })
  }))

test("another deployment's service is refused, before anything is changed", () =>
  withShop(async ({ deployment, urls }) => {
    await prepare(deployment, PREPARE)
    await run(urls.orders, `UPDATE scission.checkpoint SET prefix = 'production'`)
    const before = await readEndState(deployment)
    const failure = await failureOf(cancel(deployment, ALL))
    assert.match(
      failure.message,
      /^ORDERS_DATABASE_URL leads to the database of service orders of shop with the prefix production/,
    )
    assert.equal(await readEndState(deployment), before)
  }))

test('an identity that somebody changed since, whose index is gone, or whose table is gone, is left alone', () =>
  withShop(async ({ deployment, urls }) => {
    await run(urls.monolith, IDENTITIES)
    await prepare(deployment, PREPARE)
    await run(
      urls.monolith,
      `DROP TABLE "Order"; ALTER TABLE "Tag" REPLICA IDENTITY FULL; DROP INDEX "_PersonToTag_AB_unique"`,
    )
    const steps = await cancel(deployment, MONOLITH)
    assert.equal(
      steps
        .filter(({ outcome, action }) => outcome === 'done' && action.includes('replica identity'))
        .map(({ action }) => action),
      [
        'keep the replica identity of table public."Tag": somebody changed it since',
        'keep the replica identity of table public."_PersonToTag": its index _PersonToTag_AB_unique is gone',
      ],
    )
    assert.equal(await values(urls.monolith, RELREPLIDENT), [
      'Person i Person_email_key',
      'Tag f ',
      '_PersonToTag f ',
      '_prisma_migrations d ',
    ])
    assert.equal(await values(urls.monolith, `SELECT to_regnamespace('scission')`), [null])
  }))

test("an identity stays while another publication needs it, so that the application's updates never fail", () =>
  withShop(async ({ deployment, urls }) => {
    const before = await readEndState(deployment)
    await prepare(deployment, PREPARE)
    await run(urls.monolith, 'CREATE PUBLICATION theirs FOR TABLE "_PersonToTag"')
    const left = leftOf(await cancel(deployment, MONOLITH))
    assert.equal(left, [
      'give table public."_PersonToTag" back REPLICA IDENTITY DEFAULT: publication theirs publishes the table, whose updates would fail; drop that and cancel again',
    ])
    await run(urls.monolith, `UPDATE "_PersonToTag" SET "A" = "A"; DROP PUBLICATION theirs`)
    assert.equal(leftOf(await cancel(deployment, MONOLITH)), [])
    assert.equal((await readEndState(deployment)).monolith, before.monolith)
  }))

test('of two prefixes on one monolith, the last cancel gives the identities back', () =>
  withShop(async ({ deployment, urls }) => {
    const before = await readEndState(deployment)
    const other = { ...deployment, prefix: `${deployment.prefix}x`, services: [] }
    await prepare(deployment, PREPARE)
    await prepare(other, PREPARE)
    await run(
      urls.monolith,
      `CREATE TABLE scission.slot (prefix text, slot text); INSERT INTO scission.slot VALUES ('${deployment.prefix}'), ('${other.prefix}')`,
    )
    assert.equal(leftOf(await cancel(deployment, MONOLITH)), [
      `give table public."_PersonToTag" back REPLICA IDENTITY DEFAULT: it was prepared for ${other.prefix} too; the last cancel gives it back`,
    ])
    assert.equal(await values(urls.monolith, 'SELECT prefix FROM scission.slot'), [other.prefix])
    await run(urls.monolith, `UPDATE "_PersonToTag" SET "A" = "A"`)
    await cancel(other, MONOLITH)
    assert.equal((await readEndState(deployment)).monolith, before.monolith)
  }))

test('what a service had itself stays, its rows too, and what others built on ours is never dropped in silence', () =>
  withShop(async ({ deployment, urls }) => {
    await run(urls.people, `CREATE TABLE "Tag" (id text PRIMARY KEY); CREATE TABLE own (id int)`)
    await prepare(deployment, PREPARE)
    await run(
      urls.people,
      `INSERT INTO "Tag" VALUES ('t'); INSERT INTO "Person" VALUES ('p', 'p'); UPDATE scission.entity SET epoch = 1, attempt = 1`,
    )
    await run(urls.people, 'CREATE VIEW v AS SELECT id FROM "Person"')
    const failure = await failureOf(cancel(deployment, ALL))
    assert.match(
      failure.message,
      /^cancel could not drop tables public\."Person", public\."_PersonToTag" in service people, which stays as it was: view public\.v depends on table/,
    )
    assert.equal(await values(urls.people, 'SELECT count(*) FROM scission.entity'), ['3'])
    await run(urls.people, 'DROP VIEW v')
    await run(urls.orders, 'CREATE TABLE theirs (status "Status")')
    const left = leftOf(await cancel(deployment, ALL))
    assert.is(left.length, 2, left.join('\n'))
    assert.is(
      left[0],
      `drop table public."Tag": the service's own migrations made it, and its rows stay: empty it before it is prepared again`,
    )
    assert.match(left[1] ?? '', /^drop type public\."Status": cannot drop type/)
    assert.equal(
      await values(urls.people, `SELECT relname FROM pg_class WHERE relkind = 'r' AND oid >= 16384 ORDER BY 1`),
      ['Tag', 'own'],
    )
    assert.equal(await values(urls.people, 'SELECT id FROM "Tag"'), ['t'])
  }))

test('what the consumer set aside of a service in the middle of loading is put back, and its half of the rows is gone', () =>
  withShop(async ({ deployment, urls }) => {
    await run(
      urls.people,
      `CREATE TABLE "Person" (id text PRIMARY KEY, email text NOT NULL UNIQUE, name text); CREATE INDEX ON "Person" (name);
       CREATE TABLE "Tag" (id text PRIMARY KEY);
       CREATE TABLE "_PersonToTag" ("A" text NOT NULL, "B" text NOT NULL, PRIMARY KEY ("A", "B"),
         FOREIGN KEY ("A") REFERENCES "Person" ON UPDATE CASCADE ON DELETE CASCADE,
         FOREIGN KEY ("B") REFERENCES "Tag" ON UPDATE CASCADE ON DELETE CASCADE)`,
    )
    const before = await readEndState(deployment)
    await prepare(deployment, PREPARE)
    await run(
      urls.people,
      `ALTER TABLE "_PersonToTag" DROP CONSTRAINT "_PersonToTag_A_fkey"; ALTER TABLE "_PersonToTag" DROP CONSTRAINT "_PersonToTag_pkey";
       INSERT INTO scission.set_aside (entity, kind, name, restore) VALUES
         ('_PersonToTag', 'foreign key', '_PersonToTag_A_fkey', ARRAY['ALTER TABLE public."_PersonToTag" ADD CONSTRAINT "_PersonToTag_A_fkey" FOREIGN KEY ("A") REFERENCES public."Person"(id) ON UPDATE CASCADE ON DELETE CASCADE']),
         ('_PersonToTag', 'constraint', '_PersonToTag_pkey', ARRAY['ALTER TABLE public."_PersonToTag" ADD CONSTRAINT "_PersonToTag_pkey" PRIMARY KEY ("A", "B")']);
       INSERT INTO "Tag" VALUES ('t'); INSERT INTO "_PersonToTag" VALUES ('nobody', 't'); UPDATE scission.entity SET epoch = 1, attempt = 1`,
    )
    const steps = await cancel(deployment, ALL)
    assert.equal(
      steps
        .filter(({ subject, outcome }) => subject === 'service people' && outcome === 'done')
        .map(({ action }) => action),
      [
        'empty the tables whose loading did not end',
        'put _PersonToTag_pkey of _PersonToTag back',
        'put _PersonToTag_A_fkey of _PersonToTag back',
        'drop its state with schema scission',
      ],
    )
    assert.equal(await readEndState(deployment), before)
    assert.equal(await values(urls.people, 'SELECT id FROM "Tag"'), [])
  }))

function leftOf(steps: readonly CancelledStep[]): string[] {
  return steps.flatMap((step) => (step.outcome === 'left' ? [`${step.action}: ${step.reason}`] : []))
}

async function makeSlot({ prefix, monolith }: Deployment): Promise<void> {
  await run(monolith.url, `SELECT pg_create_logical_replication_slot('scission_${prefix}', 'pgoutput')`)
}

/** Streams from the slot for as long as `use` takes. */
async function withStream(
  deployment: Deployment,
  urls: Shop['urls'],
  use: (pid: string) => Promise<void>,
): Promise<void> {
  const slot = `scission_${deployment.prefix}`
  const configuration = { connectionString: urls.monolith, replication: 'database', application_name: 'receiver' }
  const client = new pg.Client(configuration)
  client.on('error', () => undefined)
  await client.connect()
  // The driver does not know the answer that a stream begins with; only that the stream lives counts here.
  const stream = client.query(
    `START_REPLICATION SLOT ${slot} LOGICAL 0/0 (proto_version '1', publication_names '${slot}')`,
  )
  stream.catch(() => undefined)
  try {
    const active = `SELECT active_pid FROM pg_replication_slots WHERE slot_name = '${slot}' AND active`
    let pid: string | null | undefined
    while (pid === undefined) pid = (await values(urls.people, active))[0]
    await use(pid ?? '')
  } finally {
    await values(
      urls.people,
      `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '${slot}' AND active`,
    )
    await client.end().catch(() => undefined)
  }
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.instance(error, Failure, String(error))
  return error as Failure
}

test.run()
