// deadline: 180 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Client } from 'pg'
import { quoteIdentifier, quoteLiteral } from '../../../contracts/language/quoting.ts'
import { randomPassword } from '../../../infra/embedded/server-start.ts'
import { monolithRole, monolithRoleSql, serviceRole, serviceRoleSql } from '../../../infra/export/sql-roles.ts'
import { tableSql } from '../../../infra/postgres/digest-sql.ts'
import { runCommand } from '../../command-line/run-command.ts'
import { withFolder } from '../../command-line/shop.ts'
import { run, shop, withShop } from '../preflight/shop.ts'
import { contractsOf } from './contract-module.ts'

/** A URL of the same database for another role, which gets a password by it. */
async function urlFor(role: string, url: string): Promise<string> {
  const password = randomPassword()
  await run(url, `ALTER ROLE ${quoteIdentifier(role)} PASSWORD ${quoteLiteral(password)}`)
  return Object.assign(new URL(url), { username: role, password }).href
}

/** SQLSTATE of what a statement fails with, or `done`. */
async function fate(url: string, sql: string): Promise<string> {
  const client = new Client({ connectionString: url })
  try {
    await client.connect()
    await client.query(sql)
    return 'done'
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  } finally {
    await client.end()
  }
}

const NOT_ALLOWED = '42501'

/** Roles belong to the whole server, which other tests use too. */
async function dropRoles(urls: readonly string[], roles: readonly string[]): Promise<void> {
  for (const role of roles) {
    for (const url of urls) await run(url, `DROP OWNED BY ${quoteIdentifier(role)}`)
    await run(urls[0] ?? '', `DROP ROLE ${quoteIdentifier(role)}`)
  }
}

async function succeed(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<void> {
  const { exitCode, stderr } = await runCommand(args, { environment })
  if (exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${exitCode}: ${stderr}`)
}

test('with the exported roles the monolith is published and the services are loaded, and nothing else can be done', () =>
  withShop(({ deployment: { prefix, nats }, urls }) =>
    withFolder(async (folder) => {
      const roles = [monolithRole(prefix), ...shop.services.map(({ name }) => serviceRole(prefix, name))]
      const superusers = [urls.monolith, urls.people, urls.orders]
      await run(urls.monolith, monolithRoleSql(shop, prefix))
      for (const service of shop.services)
        await run(urls[service.name === 'people' ? 'people' : 'orders'], serviceRoleSql(service, prefix))
      try {
        const owner = {
          MONOLITH_DATABASE_URL: urls.monolith,
          PEOPLE_DATABASE_URL: await urlFor(serviceRole(prefix, 'people'), urls.people),
          ORDERS_DATABASE_URL: await urlFor(serviceRole(prefix, 'orders'), urls.orders),
          NATS_URL: nats.url,
          SCISSION_PREFIX: prefix,
          SCISSION_CONTRACTS: await contractsOf(folder, shop),
        }
        await succeed(['prepare', '--yes'], owner)
        await run(urls.monolith, monolithRoleSql(shop, prefix))
        const reader = await urlFor(monolithRole(prefix), urls.monolith)
        await succeed(['publish', '--snapshot-only'], { ...owner, MONOLITH_DATABASE_URL: reader })
        await succeed(['consume', '--all', '--until-caught-up'], owner)
        await succeed(['verify'], owner)
        // Up to PostgreSQL 14 everybody may make tables there, until it is taken away as the documentation says.
        for (const url of superusers) await run(url, 'REVOKE CREATE ON SCHEMA public FROM PUBLIC')
        await assertReaderIsBound(reader)
        await assertServiceIsBound(owner.PEOPLE_DATABASE_URL, urls)
        await succeed(['cancel'], owner)
      } finally {
        await dropRoles(superusers, roles)
      }
    }),
  ))

async function assertReaderIsBound(reader: string): Promise<void> {
  const refused = [
    `INSERT INTO public."Tag" VALUES ('new')`,
    `UPDATE public."Person" SET name = 'x'`,
    'DELETE FROM public."Order"',
    'TRUNCATE public."Order"',
    'DROP TABLE public."Order"',
    'CREATE TABLE public.other ()',
    'SELECT * FROM audit.log',
    'CREATE ROLE another',
    'CREATE DATABASE another',
  ]
  for (const sql of refused) assert.is(await fate(reader, sql), NOT_ALLOWED, sql)
  assert.is(await fate(reader, 'SELECT * FROM public."Person"'), 'done')
}

async function assertServiceIsBound(role: string, urls: Readonly<Record<string, string>>): Promise<void> {
  const inMonolith = Object.assign(new URL(role), { pathname: new URL(urls['monolith'] ?? '').pathname }).href
  const inOrders = Object.assign(new URL(role), { pathname: new URL(urls['orders'] ?? '').pathname }).href
  assert.is(await fate(inMonolith, 'SELECT * FROM public."Person"'), NOT_ALLOWED)
  assert.is(await fate(inMonolith, `INSERT INTO public."Tag" VALUES ('new')`), NOT_ALLOWED)
  assert.is(await fate(inOrders, 'SELECT * FROM public."Order"'), NOT_ALLOWED)
  assert.is(await fate(inOrders, 'DELETE FROM public."Order"'), NOT_ALLOWED)
  for (const url of [inMonolith, inOrders]) assert.is(await fate(url, 'CREATE TABLE public.other ()'), NOT_ALLOWED)
  assert.is(await fate(role, 'CREATE ROLE another'), NOT_ALLOWED)
  assert.is(await fate(role, 'SELECT * FROM public."Person"'), 'done')
}

/** The monolith's owner as most have one: no superuser, and allowed to make a publication and to drop a slot. */
async function makeOwner(owner: string, url: string): Promise<string> {
  const tables = shop.services.flatMap(({ entities }) => entities.map(tableSql))
  await run(url, `CREATE ROLE ${owner} LOGIN REPLICATION`)
  await run(url, `DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO ${owner}', current_database()); END $$`)
  for (const table of tables) await run(url, `ALTER TABLE ${table} OWNER TO ${owner}`)
  return await urlFor(owner, url)
}

test('an owner who prepared may prepare again and cancel after a superuser has made the role', () =>
  withShop(({ deployment: { prefix, nats }, urls }) =>
    withFolder(async (folder) => {
      const owner = `${prefix}_owner`
      const byOwner = {
        MONOLITH_DATABASE_URL: await makeOwner(owner, urls.monolith),
        PEOPLE_DATABASE_URL: urls.people,
        ORDERS_DATABASE_URL: urls.orders,
        NATS_URL: nats.url,
        SCISSION_PREFIX: prefix,
        SCISSION_CONTRACTS: await contractsOf(folder, shop),
      }
      try {
        await succeed(['prepare', '--yes'], byOwner)
        // Twice, as after a later prepare.
        for (let times = 0; times < 2; times += 1) await run(urls.monolith, monolithRoleSql(shop, prefix))
        const reader = await urlFor(monolithRole(prefix), urls.monolith)
        await succeed(['publish', '--snapshot-only'], { ...byOwner, MONOLITH_DATABASE_URL: reader })
        await succeed(['prepare', '--yes'], byOwner)
        await succeed(['cancel', '--yes'], byOwner)
      } finally {
        await dropRoles([urls.monolith], [monolithRole(prefix), owner])
      }
    }),
  ))

test('the scripts can be run again, and keep the role as it is', () =>
  withShop(async ({ deployment: { prefix }, urls }) => {
    const [service] = shop.services
    assert.ok(service)
    const roles = [monolithRole(prefix), serviceRole(prefix, service.name)]
    try {
      for (let times = 0; times < 2; times += 1) {
        await run(urls.monolith, monolithRoleSql(shop, prefix))
        await run(urls.people, serviceRoleSql(service, prefix))
        if (times === 0) await run(urls.people, `ALTER ROLE ${quoteIdentifier(roles[1] ?? '')} CONNECTION LIMIT 7`)
      }
      const { rows } = await withSuperuser(urls.people, async (client) => {
        return await client.query('SELECT rolconnlimit, rolsuper FROM pg_roles WHERE rolname = $1', [roles[1]])
      })
      assert.equal(rows, [{ rolconnlimit: 7, rolsuper: false }])
    } finally {
      await dropRoles([urls.monolith, urls.people], roles)
    }
  }))

async function withSuperuser<Result>(url: string, use: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

test('names of roles fit into 63 characters, and no service has the name of the reader', () => {
  const long = 'x'.repeat(31)
  assert.is(serviceRole(long, long).length, 63)
  assert.is(monolithRole(long), `${long}_monolith`)
})

test.run()
