import { contractSet, type Service } from '../../../contracts/language/contract-set.ts'
import { entity, service } from '../../../contracts/language/entity.ts'
import { bigint, doublePrecision, integer, json, postgres, text } from '../../../contracts/language/types.ts'
import type { Copy } from '../../../consumers/replay/copy-snapshot.ts'
import * as ddl from '../../../infra/service-database/ddl.ts'
import { withSession } from '../../../infra/postgres/session.ts'
import { withDatabases } from '../../with-servers.ts'

const set = contractSet('shop', {
  services: {
    sales: service({
      Customer: entity(
        {
          id: integer().identity('ALWAYS'),
          name: text(),
          note: text().nullable(),
          loud: text().generated('upper(name)'),
        },
        { key: ['id'], unique: [{ on: ['name'] }] },
      ),
      Order: entity(
        {
          id: bigint(),
          customerId: integer(),
          amount: postgres('numeric').nullable(),
          weight: doublePrecision().nullable(),
          extra: json().nullable(),
        },
        { key: ['id'], references: [{ on: ['customerId'], to: 'Customer', onDelete: 'CASCADE' }] },
      ),
      _Tags: entity({ A: integer(), B: text() }, { key: ['A', 'B'], keyAs: 'unique index' }),
      Account: entity({ id: integer(), token: text().secret() }, { key: ['id'] }),
    }),
  },
})

export const [shop] = set.services as [Service] // It has one.

/** The same entities in another schema. */
export function inSchema(of: Service, schema: string): Service {
  return { ...of, entities: of.entities.map((own) => ({ ...own, schema })) }
}

export interface TwoCopies {
  readonly present: Copy
  readonly rebuilt: Copy
  /** Runs statements in both, where `@` stands for the copy's schema. */
  readonly inBoth: (...statements: readonly string[]) => Promise<void>
  readonly inPresent: (...statements: readonly string[]) => Promise<void>
  readonly inRebuilt: (...statements: readonly string[]) => Promise<void>
}

/** Two empty copies of a service's tables, with all that the contract builds. */
export async function withTwoCopies<Result>(
  use: (copies: TwoCopies) => Promise<Result>,
  { databases = 1, of = shop }: { readonly databases?: 1 | 2; readonly of?: Service } = {},
): Promise<Result> {
  return await withDatabases(['one', 'other'], async ({ one, other }) => {
    const present = copyAt(one, inSchema(of, 'live'))
    const rebuilt = copyAt(databases === 1 ? one : other, inSchema(of, 'rebuilt'))
    for (const copy of [present, rebuilt]) await build(copy)
    const inPresent = async (...statements: readonly string[]): Promise<void> => await run(present, statements)
    const inRebuilt = async (...statements: readonly string[]): Promise<void> => await run(rebuilt, statements)
    const inBoth = async (...statements: readonly string[]): Promise<void> => {
      await inPresent(...statements)
      await inRebuilt(...statements)
    }
    return await use({ present, rebuilt, inBoth, inPresent, inRebuilt })
  })
}

function copyAt(url: string, of: Service): Copy {
  return { target: { title: 'the database of service sales', variable: 'SALES_DATABASE_URL', url }, service: of }
}

async function build(copy: Copy): Promise<void> {
  const { entities } = copy.service
  await run(copy, [
    ...new Set(entities.map(({ schema }) => ddl.createSchemaSql(schema))),
    ...entities.map(ddl.createTableSql),
    ...entities.map(ddl.createKeySql),
    ...entities.flatMap((own) => own.indexes.map((index) => ddl.createIndexSql(own, index))),
    ...entities.flatMap((own) => own.references.map((to) => ddl.createReferenceSql(copy.service, own, to))),
  ])
}

async function run({ service: { entities }, target }: Copy, statements: readonly string[]): Promise<void> {
  await withSession(target, { purpose: 'test' }, async (client) => {
    for (const statement of statements) await client.query(statement.replaceAll('@', entities[0]?.schema ?? ''))
  })
}
