// deadline: 300 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { contractSet } from '../../../contracts/language/contract-set.ts'
import { entity, service } from '../../../contracts/language/entity.ts'
import { text } from '../../../contracts/language/types.ts'
import { Failure } from '../../../contracts/failure.ts'
import type { Deployment } from '../../../infra/preflight/deployment.ts'
import { prepare } from '../../../infra/prepare/prepare.ts'
import { cancel } from '../../../infra/cancel/cancel.ts'
import { run, values, withShop } from '../preflight/shop.ts'
import { readEndState, timeless } from './end-state.ts'
import { withHostile } from './hostile-deployment.ts'

const WITH_SLOT = { withSlot: true, dryRun: false }

test('prepare makes streams, tables without keys, the replica identities that are missing, and the publication', () =>
  withShop(async ({ deployment, urls }) => {
    const steps = await prepare(deployment, WITH_SLOT)
    assert.ok(steps.every(({ outcome, action }) => outcome === 'done' || action === 'create schema public'))
    const { monolith, services, streams } = await readEndState(deployment)
    assert.is(streams.length, 2)
    assert.ok(services[0]?.includes('table public."Person" r d id text t, email text t, name text f'))
    assert.not.ok(services[0]?.some((line) => line?.includes('INDEX') && line.includes('"Person"')))
    assert.ok(services[1]?.includes('type public."Status" NEW,PAID') || services[1]?.includes('type "Status" NEW,PAID'))
    const name = `scission_${deployment.prefix}`
    const published = ['"Order"', '"Person"', '"Tag"', '"_PersonToTag"'].map((table) => `${name} ${table} t`)
    assert.equal(
      monolith.filter((line) => line?.startsWith(name)),
      published,
    )
    assert.equal(await identities(urls.monolith), [
      'Order d',
      'Person d',
      'Tag d',
      '_PersonToTag f',
      '_prisma_migrations d',
      'log d',
    ])
    await run(urls.monolith, `UPDATE "_PersonToTag" SET "A" = "A"; DELETE FROM "_PersonToTag"`)
  }))

test('a second prepare does nothing and says so of each step', () =>
  withShop(async ({ deployment }) => {
    const first = await prepare(deployment, WITH_SLOT)
    const before = await readEndState(deployment)
    const second = await prepare(deployment, WITH_SLOT)
    assert.equal(
      second.map(({ action }) => action),
      first.map(({ action }) => action),
    )
    assert.ok(second.every(({ outcome, statements }) => outcome === 'present' && statements.length === 0))
    assert.equal(await readEndState(deployment), before)
  }))

test('a dry run says every statement and does none', () =>
  withShop(async ({ deployment }) => {
    const before = await readEndState(deployment)
    const planned = await prepare(deployment, { withSlot: true, dryRun: true })
    assert.equal(await readEndState(deployment), before)
    const done = await prepare(deployment, WITH_SLOT)
    assert.equal(
      planned.map(({ subject, action, statements }) => ({ subject, action, statements })),
      done.map(({ subject, action, statements }) => ({ subject, action, statements })),
    )
    assert.ok(planned.every(({ outcome, statements }) => (outcome === 'planned') === statements.length > 0))
  }))

test('without a slot the monolith is not touched', () =>
  withShop(async ({ deployment }) => {
    const before = await readEndState(deployment)
    await prepare(deployment, { withSlot: false, dryRun: false })
    const after = await readEndState(deployment)
    assert.equal(after.monolith, before.monolith)
    assert.is(after.streams.length, 2)
  }))

test('one error of preflight refuses everything, in one message with every error, and nothing is changed', () =>
  withShop(async ({ deployment, urls }) => {
    await run(urls.monolith, 'CREATE TABLE "Forgotten" (id int)')
    await run(urls.orders, 'CREATE TABLE "Order" (id int)')
    const before = await readEndState(deployment)
    const failure = await failureOf(prepare(deployment, WITH_SLOT))
    assert.is(failure.exitCode, 4)
    assert.match(failure.message, /^prepare was refused and changed nothing, since \d things are not as needed:\n/)
    assert.match(failure.message, /\n- the monolith: Table public\."Forgotten" is in no contract/)
    assert.match(failure.message, /\n- service orders: Column status of table public\."Order" does not exist\./)
    assert.equal(await readEndState(deployment), before)
  }))

test("a service's own compatible tables are accepted, and nothing of its own is changed", () =>
  withShop(async ({ deployment, urls }) => {
    await run(
      urls.orders,
      `CREATE TYPE "Status" AS ENUM ('NEW', 'PAID', 'LOST'); CREATE TABLE "Order" ("personId" text NOT NULL, total int,
         status "Status" NOT NULL, id text PRIMARY KEY, theirs text); CREATE TABLE own (id int); CREATE VIEW v AS SELECT id FROM "Order"`,
    )
    const [, before] = (await readEndState(deployment)).services
    const steps = await prepare(deployment, WITH_SLOT)
    assert.ok(
      steps.some(({ action, outcome }) => action === 'accept table public."Order" as it is' && outcome === 'done'),
    )
    const [, after] = (await readEndState(deployment)).services
    assert.equal(
      after?.filter((line) => !line?.includes('scission')),
      before,
    )
    assert.equal(await values(urls.orders, 'SELECT entity || created FROM scission.entity'), ['Orderfalse'])
    assert.equal(await values(urls.orders, 'SELECT name FROM scission.created_object'), [])
  }))

test('a contract that grew adds its tables, and one that shrank takes them out of the publication', () =>
  withShop(async ({ deployment, urls }) => {
    await prepare(deployment, WITH_SLOT)
    await run(urls.monolith, 'CREATE TABLE "Extra" (id text NOT NULL)')
    await run(urls.monolith, 'CREATE UNIQUE INDEX ON "Extra" (id)')
    const grown = withExtra(deployment)
    const steps = await prepare(grown, WITH_SLOT)
    assert.equal(
      steps.filter(({ outcome }) => outcome === 'done').map(({ action }) => action),
      [
        'create table public."Extra"',
        'give table public."Extra" REPLICA IDENTITY FULL',
        `publish 5 tables as scission_${deployment.prefix}`,
      ],
    )
    const count = `SELECT count(*) FROM pg_publication_rel`
    assert.equal(await values(urls.monolith, count), ['5'])
    await run(urls.monolith, 'DROP TABLE "Extra"')
    await prepare(deployment, WITH_SLOT)
    assert.equal(await values(urls.monolith, count), ['4'])
  }))

test('a table of the state that an older release did not have is added, and nothing else is done', () =>
  withShop(async ({ deployment, urls }) => {
    await prepare(deployment, WITH_SLOT)
    const before = await readEndState(deployment)
    await run(urls.people, 'DROP TABLE scission.ledger')
    const done = (await prepare(deployment, WITH_SLOT)).filter(({ outcome }) => outcome === 'done')
    assert.equal(
      done.map(({ subject, action }) => `${subject}: ${action}`),
      ['service people: keep its state in schema scission'],
    )
    assert.equal(await readEndState(deployment), before)
  }))

test('two at once: the second says which process is at work', () =>
  withShop(async ({ deployment }) => {
    let failure: Failure | undefined
    await prepare(deployment, {
      ...WITH_SLOT,
      onStep: async () => {
        failure ??= await failureOf(prepare(deployment, WITH_SLOT))
      },
    })
    assert.match(
      failure?.message ?? '',
      /^Another prepare or cancel is at work on the monolith \(PostgreSQL process \d+\)/,
    )
  }))

test('what a server refuses in the middle is one sentence, and the service is as it was', () =>
  withShop(async ({ deployment, urls }) => {
    await run(
      urls.orders,
      `CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no tables today'; END $$;
       CREATE EVENT TRIGGER refuse ON ddl_command_end WHEN tag IN ('CREATE TYPE') EXECUTE FUNCTION refuse()`,
    )
    const [, before] = (await readEndState(deployment)).services
    const failure = await failureOf(prepare(deployment, WITH_SLOT))
    assert.is(
      failure.message,
      'prepare could not create type public."Status" in service orders: no tables today; put that right and run it again, it goes on from here.',
    )
    assert.equal((await readEndState(deployment)).services[1], before)
    await run(urls.orders, 'DROP EVENT TRIGGER refuse')
    await prepare(deployment, WITH_SLOT)
  }))

test('the hostile monolith and its services are prepared, twice to the same end, and cancelled to the beginning', () =>
  withHostile(async (deployment) => {
    const untouched = await readEndState(deployment)
    const steps = await prepare(deployment, WITH_SLOT)
    const changed = steps.map(({ action }) => action).filter((action) => action.includes('REPLICA IDENTITY'))
    assert.equal(changed.toSorted(), [
      'give table public."_AToB" REPLICA IDENTITY FULL',
      'give table public.deferred_key REPLICA IDENTITY FULL',
      'give table public.guarded REPLICA IDENTITY DEFAULT',
    ])
    const before = timeless(await readEndState(deployment))
    assert.ok((await prepare(deployment, WITH_SLOT)).every(({ outcome }) => outcome === 'present'))
    assert.equal(timeless(await readEndState(deployment)), before)
    const undone = await cancel(deployment, { withLog: true, withServices: true, dryRun: false })
    assert.ok(undone.every(({ outcome, action }) => outcome === 'done' || action.startsWith('drop slot')))
    assert.equal(await readEndState(deployment), untouched)
  }))

function withExtra(deployment: Deployment): Deployment {
  const extra = contractSet('shop', {
    services: { people: service({ Extra: entity({ id: text() }, { key: ['id'] }) }) },
  })
  const [added] = extra.services
  const services = deployment.set.services.map((each) =>
    each.name === 'people' ? { ...each, entities: [...each.entities, ...(added?.entities ?? [])] } : each,
  )
  return {
    ...deployment,
    set: { ...deployment.set, services },
    services: deployment.services.map((each, place) => ({ ...each, service: services[place] ?? each.service })),
  }
}

async function identities(url: string): Promise<(string | null)[]> {
  return values(
    url,
    `SELECT format('%s %s', c.relname, c.relreplident) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND n.nspname IN ('public', 'audit') ORDER BY c.relname COLLATE "C"`,
  )
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.instance(error, Failure)
  return error as Failure
}

test.run()
