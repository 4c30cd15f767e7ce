import type { Client } from 'pg'
import { type TextRow, insertRows } from './insert-rows.ts'
import { type Random, choose } from './random.ts'

/** Fills the tables that refer to others. Deferred constraints are checked when the caller's transaction ends. */
export async function fillLinkedTables(client: Client, random: Random, rows: number): Promise<void> {
  const ids = Array.from({ length: rows }, (_, place) => String(place + 1))
  await insertRows(client, 'public.tree', ['id', 'parent', 'twin'], treeRows(random, rows + 10))
  await fillChickensAndEggs(client, random, ids)
  await fillActions(client, random, ids)
  await fillDeferredKeys(client, random, ids)
  await fillCompositeLinks(client, random, ids)
  await fillCrossings(client, random, ids)
  await fillOdd(client, random, ids)
}

/** Parents before, after and at their children; rows that are their own parent, and twins of each other. */
function treeRows(random: Random, count: number): TextRow[] {
  return Array.from({ length: count }, (_, place) => {
    const parent = random(5) === 0 ? null : String(1 + random(count))
    const twin = place % 2 === 0 && place + 1 < count ? String(place + 2) : null
    return [String(place + 1), place === 3 ? '4' : parent, place === 4 ? '5' : twin]
  })
}

async function fillChickensAndEggs(client: Client, random: Random, ids: readonly string[]): Promise<void> {
  const chickens = ids.map((id) => [id, id])
  const eggs = ids.map((id) => [id, choose(random, ids)])
  await insertRows(client, 'public.chicken', ['id', 'egg'], chickens)
  await insertRows(client, 'public.egg', ['id', 'chicken'], eggs)
}

async function fillActions(client: Client, random: Random, ids: readonly string[]): Promise<void> {
  const trees = Array.from({ length: 10 }, (_, place) => String(place + 1))
  const rows = ids.map((id) => [id, ...Array.from({ length: 5 }, () => maybe(random, trees))])
  const columns = ['id', 'no_action', 'restricted', 'cascading', 'nulled', 'defaulted']
  await insertRows(client, 'public.actions', columns, rows)
}

/** A deferrable constraint allows no ON CONFLICT, so these rows must be unique by themselves. */
async function fillDeferredKeys(client: Client, random: Random, ids: readonly string[]): Promise<void> {
  const rows = ids.map((id) => [id, maybe(random, [`name ${id}`])])
  await insertRows(client, 'public.deferred_key', ['id', 'name'], rows, 'errors')
}

/** Links that are null in part: such a link is not checked, and what is left of it dangles. */
const HALF_LINKS: readonly TextRow[] = [
  ['dangling', null, 'infinity', 'gone', null],
  [null, '1', null, null, 'gone'],
  [null, null, null, null, null],
]

async function fillCompositeLinks(client: Client, random: Random, ids: readonly string[]): Promise<void> {
  const keys = await readTexts(client, 'public.three_columns', ['a', 'b', 'c'])
  const places = await readTexts(client, 'public.three_columns', ['region', 'code'])
  const rows = ids.map((id, place) => [
    id,
    ...(HALF_LINKS[place % 7] ?? [...choose(random, keys), ...choose(random, places)]),
  ])
  await insertRows(client, 'public.composite_links', ['id', 'link_a', 'link_b', 'link_c', 'region', 'code'], rows)
}

async function fillCrossings(client: Client, random: Random, ids: readonly string[]): Promise<void> {
  const users = await readColumn(client, 'public."user"', 'user')
  const hostile = await readTexts(client, `public."Hostile . ""name"" 😀 %*>~\\ it's;--"`, [
    'Key . "part" 1',
    'Key . "part" 2',
  ])
  const numbers = await readColumn(client, 'public.integers', 'id')
  const rows = ids.map((id, place) => {
    const link = place % 4 === 0 ? [null, null] : choose(random, hostile)
    const about = [
      choose(random, ["quote's", '', 'NULL', 'plain']),
      choose(random, [...users, 'a target that is gone']),
    ]
    return [id, maybe(random, users), ...link, maybe(random, numbers), ...about]
  })
  const columns = ['id', 'user_name', 'hostile_1', 'hostile_2', 'number', 'about', 'about_id']
  await insertRows(client, 'public.crossings', columns, rows)
}

async function fillOdd(client: Client, random: Random, ids: readonly string[]): Promise<void> {
  const odd = await readColumn(client, '"Odd ""schema"".x 😀".twice', 'id')
  const twice = await readColumn(client, 'public.twice', 'id')
  const rows = ids.map((id) => [id, maybe(random, odd), maybe(random, twice)])
  const table = '"Odd ""schema"".x 😀"."Odd ""schema"".x 😀"'
  await insertRows(client, table, ['id', 'twice', 'public_twice'], rows)
}

async function readTexts(client: Client, table: string, columns: readonly string[]): Promise<TextRow[]> {
  const texts = columns.map((name) => `"${name.replaceAll('"', '""')}"::text`)
  const query = { text: `SELECT ${texts.join(', ')} FROM ${table} ORDER BY ctid`, rowMode: 'array' } as const
  const { rows } = await client.query<(string | null)[]>(query)
  return rows
}

/** A column without its nulls. */
async function readColumn(client: Client, table: string, column: string): Promise<string[]> {
  return (await readTexts(client, table, [column])).flat().filter((text) => text !== null)
}

function maybe(random: Random, values: readonly string[]): string | null {
  return random(3) === 0 ? null : choose(random, values)
}
