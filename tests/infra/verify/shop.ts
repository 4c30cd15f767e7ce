import { contractSet } from '../../../contracts/language/contract-set.ts'
import { entity, service } from '../../../contracts/language/entity.ts'
import { integer, text } from '../../../contracts/language/types.ts'
import { withSession } from '../../../infra/postgres/session.ts'
import type { VerifyReport } from '../../../infra/verify/report.ts'
import { verify } from '../../../infra/verify/verify.ts'
import { withDatabase } from '../../with-servers.ts'
import { type MadeByHand, target, withServicesMadeByHand } from './made-by-hand.ts'

/** Two services, small enough to see each row of, with every sort of reference between them. */
export const shop = contractSet('shop', {
  services: {
    accounts: service({
      Account: entity(
        { id: text(), email: text(), password: text().secret(), about: text().nullable() },
        { key: ['id'], unique: [{ on: ['email'] }] },
      ),
      Address: entity({ country: text(), number: integer(), street: text() }, { key: ['country', 'number'] }),
      Token: entity({ token: text().secret(), note: text().nullable() }, { key: ['token'] }),
    }),
    orders: service({
      Order: entity(
        {
          id: integer(),
          accountId: text().nullable(),
          country: text().nullable(),
          number: integer().nullable(),
          aboutKind: text(),
          aboutId: text(),
        },
        {
          key: ['id'],
          indexes: [{ on: ['accountId'] }],
          crossReferences: [
            { on: ['accountId'], to: 'accounts.Account', onDelete: 'CASCADE' },
            { on: ['country', 'number'], to: 'accounts.Address', onDelete: null },
            {
              on: ['aboutId'],
              to: 'accounts.Account',
              when: { column: 'aboutKind', equals: 'ACCOUNT' },
              onDelete: null,
            },
            { on: ['aboutId'], to: 'accounts.Token', when: { column: 'aboutKind', equals: 'TOKEN' }, onDelete: null },
          ],
        },
      ),
      Line: entity(
        { orderId: integer(), article: text() },
        {
          key: ['orderId', 'article'],
          keyAs: 'unique index',
          references: [{ on: ['orderId'], to: 'Order', onDelete: 'CASCADE' }],
        },
      ),
    }),
  },
})

/** A value of 300,000 characters, most of them two bytes long: it travels in parts. */
export const LONG_TEXT = `${'é'.repeat(150_000)}middle${'x'.repeat(149_994)}`

const MONOLITH = `
  CREATE TABLE public."Account" (id text PRIMARY KEY, email text NOT NULL UNIQUE, password text NOT NULL, about text);
  CREATE TABLE public."Address" (country text, number integer, street text NOT NULL, PRIMARY KEY (country, number));
  CREATE TABLE public."Token" (token text PRIMARY KEY, note text);
  CREATE TABLE public."Order" (id integer PRIMARY KEY, "accountId" text, country text, number integer,
                               "aboutKind" text NOT NULL, "aboutId" text NOT NULL);
  CREATE TABLE public."Line" ("orderId" integer NOT NULL, article text NOT NULL);
  INSERT INTO public."Account" VALUES ('a', 'a@x', 'hash of a', NULL), ('b', 'b@x', 'hash of b', ''), ('c', 'c@x', 'hash of c', 'c '),
    (E'tab\\t,é', 'd@x', 'hash of d', '${LONG_TEXT}');
  INSERT INTO public."Address" VALUES ('FR', 1, 'rue A'), ('FR', 12, 'rue B'), ('MA', 2, 'rue C');
  INSERT INTO public."Token" VALUES ('token 1', 'x'), ('token 2', 'y');
  INSERT INTO public."Order" VALUES
    (1, 'a', 'FR', 1, 'ACCOUNT', 'a'), (2, 'a', 'FR', 2, 'TOKEN', 'token 1'), (3, NULL, 'FR', NULL, 'TOKEN', 'gone'),
    (4, 'gone', NULL, NULL, 'ACCOUNT', E'tab\\t,é'), (5, E'tab\\t,é', 'MA', 2, 'ACCOUNT', ''), (6, 'gone', 'F', 12, 'OTHER', 'a');
  INSERT INTO public."Line" SELECT 1 + n % 6, 'article ' || n FROM generate_series(1, 200) AS n;`

/** The shop's log and services, made by hand from its monolith. */
export async function withShop<Result>(use: (made: MadeByHand) => Promise<Result>): Promise<Result> {
  return await withDatabase(async (monolith) => {
    await runSql(monolith, MONOLITH)
    return await withServicesMadeByHand(shop, monolith, use)
  })
}

/** Runs statements in the database of one of the shop's services. */
export async function inShop(made: MadeByHand, name: 'accounts' | 'orders', sql: string): Promise<void> {
  const database = made.services.find(({ service: { name: own } }) => own === name)?.database
  await runSql(database?.url ?? '', sql)
}

export async function runSql(url: string, sql: string): Promise<void> {
  await withSession(target('test', url), { purpose: 'test' }, async (client) => await client.query(sql))
}

export async function verifyShop(made: MadeByHand, limit = 10): Promise<VerifyReport> {
  return await verify(made, { limit }, () => undefined)
}
