import type pg from 'pg'
import * as assert from 'uvu/assert'
import type { Service } from '../../../contracts/language/contract-set.ts'
import { withSession } from '../../../infra/postgres/session.ts'
import type { VerifyReport } from '../../../infra/verify/report.ts'
import { verify } from '../../../infra/verify/verify.ts'
import type { VerifyDependencies } from '../../../infra/verify/verifying.ts'
import { expectedRows, namedRows, tablesOf } from './expected-rows.ts'
import * as mutations from './mutations.ts'

/** More than any test alters, so that each alteration must be named. */
const NAMED_ROWS = 1000

export async function verified(split: VerifyDependencies): Promise<VerifyReport> {
  return await verify(split, { limit: NAMED_ROWS }, () => undefined)
}

/** Runs an action in a session of each service's database. */
export async function inEachService(
  { services }: VerifyDependencies,
  action: (client: pg.Client, service: Service) => Promise<void>,
): Promise<void> {
  for (const { service, database } of services)
    await withSession(database, { purpose: 'test' }, async (client) => {
      await client.query('SET default_transaction_read_only = off')
      await action(client, service)
    })
}

/** Keeps every row of every service, so that `assertFinds` can put them back. */
export async function keepAllRows(split: VerifyDependencies): Promise<void> {
  await inEachService(split, async (client, { entities }) => await mutations.keepRows(client, entities))
}

/**
 * Alters all services, sees that verify names exactly that and nothing else, and puts the rows back.
 * @returns the entities that were altered.
 */
export async function assertFinds(
  split: VerifyDependencies,
  what: string,
  alter: (client: pg.Client, entity: mutations.Alteration['entity']) => Promise<mutations.Alteration[]>,
): Promise<Set<string>> {
  const alterations: mutations.Alteration[] = []
  await inEachService(split, async (client, { entities }) => {
    await mutations.altering(client, async () => {
      for (const entity of entities) alterations.push(...(await alter(client, entity)))
    })
  })
  const expected = expectedRows(alterations)
  for (const [entity, table] of tablesOf(await verified(split))) {
    const place = `${what}: ${entity}`
    assert.equal(namedRows(table), expected.get(entity) ?? [], place)
    assert.is(table.differences.total, expected.get(entity)?.length ?? 0, place)
    assert.is(table.differences.note, null, place)
    assert.equal(table.structure, [], place)
    assert.is(table.verified, !expected.has(entity), place)
  }
  await inEachService(split, async (client, { entities }) => await mutations.restoreRows(client, entities))
  return new Set(expected.keys())
}

/** Every alteration of rows that tests know, with the entities in which it was done and found. */
export async function assertFindsAll(split: VerifyDependencies): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const found = new Map<string, ReadonlySet<string>>()
  for (const kind of Object.keys(mutations.VALUE_MUTATIONS)) {
    const alter = async (client: pg.Client, entity: mutations.Alteration['entity']): Promise<mutations.Alteration[]> =>
      await mutations.alterEachColumn(client, entity, kind)
    found.set(kind, await assertFinds(split, kind, alter))
  }
  found.set('two values swapped', await assertFinds(split, 'a swap', mutations.swapInEachColumn))
  found.set('a row deleted', await assertFinds(split, 'a deleted row', mutations.deleteRow))
  found.set('a row added', await assertFinds(split, 'an added row', mutations.addRow))
  return found
}
