import * as assert from 'uvu/assert'
import { digestSql } from '../../infra/postgres/digest-sql.ts'
import type { PostgresTarget } from '../../infra/postgres/session.ts'
import { withSession } from '../../infra/postgres/session.ts'
import * as ddl from '../../infra/service-database/ddl.ts'
import { publishSnapshot } from '../../publisher/publish-snapshot.ts'
import { sales, shop } from './shop.ts'
import { runSql, type TestService } from './with-service.ts'

/** A monolith with the shop's tables, of about 1 KiB a customer. */
export async function createShopMonolith(url: string, customers: number): Promise<void> {
  await runSql(url, [
    ...sales.entities.flatMap((entity) => [ddl.createTableSql(entity), ddl.createKeySql(entity)]),
    `INSERT INTO "Customer" SELECT n, E'name\\t' || n, repeat(md5(n::text) || E'\\n\\\\', 1 + n % 50)
       FROM generate_series(1, ${customers}) AS n`,
    `INSERT INTO "Order" SELECT n, 1 + n % ${customers}, n / 7.0, nullif(n / 2, 0) FROM generate_series(1, ${customers}) AS n`,
    `INSERT INTO "_Tags" SELECT n, md5(n::text) FROM generate_series(1, ${customers}) AS n`,
    `INSERT INTO "Account" SELECT n, md5(n::text), '' FROM generate_series(1, ${Math.ceil(customers / 10)}) AS n`,
  ])
}

/** Publishes the monolith in small pages. */
export async function publishShop(
  { prefix, nats }: Pick<TestService, 'prefix' | 'nats'>,
  url: string,
  { newEpoch = false, pageBytes = 16 * 1024 } = {},
): Promise<void> {
  await publishSnapshot(
    { set: shop, prefix, monolith: monolithTarget(url), nats },
    {
      withSlot: false,
      newEpoch,
      withoutKeeper: true,
      readers: 2,
      pageBytes,
      maxOutageMs: 10_000,
      signal: new AbortController().signal,
    },
    () => undefined,
  )
}

function monolithTarget(url: string): PostgresTarget {
  return { title: 'the monolith', variable: 'MONOLITH_DATABASE_URL', url }
}

/** Every row of every table is there, once, and so are keys, indexes and foreign keys. */
export async function assertEqual({ database, sql }: TestService, monolithUrl: string): Promise<void> {
  for (const entity of sales.entities)
    assert.equal(
      await digest(database, digestSql(entity)),
      await digest(monolithTarget(monolithUrl), digestSql(entity)),
      entity.name,
    )
  assert.equal(
    await sql(
      // From PostgreSQL 18 on there is one for each NOT NULL as well.
      `SELECT contype, count(*) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n' GROUP BY 1 ORDER BY 1`,
    ),
    ['f|2', 'p|3'],
  )
  assert.equal(await sql(`SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'`), ['6'])
  assert.equal(await sql('SELECT count(*) FROM scission.set_aside'), ['0'])
}

async function digest(target: PostgresTarget, sql: string): Promise<unknown> {
  return await withSession(target, { purpose: 'test' }, async (client) => (await client.query(sql)).rows)
}
