import pg from 'pg'
import { contractSet } from '../../../contracts/language/contract-set.ts'
import { entity, service } from '../../../contracts/language/entity.ts'
import { enumeration, integer, text } from '../../../contracts/language/types.ts'
import type { Deployment } from '../../../infra/preflight/deployment.ts'
import { withDatabases, withPrefix } from '../../with-servers.ts'

const status = enumeration('Status', ['NEW', 'PAID'])

/** A small contract set: two services, an enum, a join table, a reference inside a service and one across. */
export const shop = contractSet('shop', {
  services: {
    people: service({
      Person: entity(
        { id: text(), email: text(), name: text().nullable() },
        { key: ['id'], unique: [{ on: ['email'] }], indexes: [{ on: ['name'] }] },
      ),
      Tag: entity({ id: text() }, { key: ['id'] }),
      _PersonToTag: entity(
        { A: text(), B: text() },
        {
          key: ['A', 'B'],
          keyAs: 'unique index',
          keyName: '_PersonToTag_AB_unique',
          references: [
            { on: ['A'], to: 'Person', onDelete: 'CASCADE' },
            { on: ['B'], to: 'Tag', onDelete: 'CASCADE' },
          ],
        },
      ),
    }),
    orders: service({
      Order: entity(
        { id: text(), status: status().default(`'NEW'`), total: integer().nullable(), personId: text() },
        { key: ['id'], crossReferences: [{ on: ['personId'], to: 'people.Person', onDelete: 'RESTRICT' }] },
      ),
    }),
  },
  leftBehind: ['_prisma_migrations', 'audit.log'],
})

const MONOLITH = `
  CREATE TYPE "Status" AS ENUM ('NEW', 'PAID');
  CREATE TABLE "Person" (id text PRIMARY KEY, email text NOT NULL UNIQUE, name text);
  CREATE INDEX ON "Person" (name);
  CREATE TABLE "Tag" (id text PRIMARY KEY);
  CREATE TABLE "_PersonToTag" (
    "A" text NOT NULL REFERENCES "Person" ON UPDATE CASCADE ON DELETE CASCADE,
    "B" text NOT NULL REFERENCES "Tag" ON UPDATE CASCADE ON DELETE CASCADE
  );
  CREATE UNIQUE INDEX "_PersonToTag_AB_unique" ON "_PersonToTag" ("A", "B");
  CREATE TABLE "Order" (id text PRIMARY KEY, status "Status" NOT NULL DEFAULT 'NEW', total integer,
    "personId" text NOT NULL REFERENCES "Person" ON UPDATE CASCADE ON DELETE RESTRICT);
  CREATE TABLE _prisma_migrations (id text PRIMARY KEY);
  CREATE SCHEMA audit;
  CREATE TABLE audit.log (line text);
  INSERT INTO "Person" VALUES ('p', 'p@example.org', NULL);
  INSERT INTO "Tag" VALUES ('t');
  INSERT INTO "_PersonToTag" VALUES ('p', 't');
  INSERT INTO "Order" VALUES ('o', 'PAID', 3, 'p');`

export interface Shop {
  readonly deployment: Deployment
  readonly urls: Readonly<Record<'monolith' | 'people' | 'orders', string>>
}

/** The shop's monolith with a few rows, an empty database for each of its services, and a prefix of its own. */
export async function withShop<Result>(use: (shop: Shop) => Promise<Result>): Promise<Result> {
  return withDatabases(['monolith', 'people', 'orders'], (urls) =>
    withPrefix(async (prefix, nats) => {
      await run(urls.monolith, MONOLITH)
      return use({ deployment: deploymentOf(prefix, nats.url, urls), urls })
    }),
  )
}

export function deploymentOf(prefix: string, natsUrl: string, urls: Shop['urls']): Deployment {
  return {
    set: shop,
    prefix,
    replicas: 1,
    nats: { url: natsUrl, credentialsFile: null, caFile: null },
    monolith: { title: 'the monolith', variable: 'MONOLITH_DATABASE_URL', url: urls.monolith },
    services: shop.services.map((each) => ({
      service: each,
      database: {
        title: `the database of service ${each.name}`,
        variable: `${each.name.toUpperCase()}_DATABASE_URL`,
        url: urls[each.name === 'people' ? 'people' : 'orders'],
      },
    })),
  }
}

/** Runs statements as the URL's user. The search path is the database's own. */
export async function run(url: string, sql: string): Promise<void> {
  await withClient(url, async (client) => {
    await client.query(sql)
  })
}

/** The first column of each row, as text. */
export async function values(url: string, sql: string): Promise<(string | null)[]> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<(string | null)[]>({
      text: sql,
      rowMode: 'array',
      types: { getTypeParser: () => (value: unknown) => value },
    })
    return rows.map(([first]) => first ?? null)
  })
}

export async function withClient<Result>(url: string, use: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}
