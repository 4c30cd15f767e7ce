import { readFile } from 'node:fs/promises'
import { generateMonolith } from '../../../infra/demo/monolith/generate-monolith.ts'
import { draftMonolith } from '../../../infra/drafting/draft-monolith.ts'
import type { Draft } from '../../../infra/drafting/draft.ts'
import type { GivenService } from '../../../infra/drafting/given-services.ts'
import type { MonolithFacts } from '../../../infra/drafting/monolith-facts.ts'
import { readMonolith } from '../../../infra/drafting/read-monolith.ts'
import { withSession } from '../../../infra/postgres/session.ts'
import { runSql } from '../../command-line/shop.ts'
import { withDatabase } from '../../with-servers.ts'

/** A shop that knows nothing of contracts; see `shop.sql`. */
export async function withShopMonolith<Result>(use: (url: string) => Promise<Result>): Promise<Result> {
  const sql = await readFile(new URL('shop.sql', import.meta.url), 'utf8')
  return await withMonolith([sql], use)
}

export async function withMonolith<Result>(
  statements: readonly string[],
  use: (url: string) => Promise<Result>,
): Promise<Result> {
  return await withDatabase(async (url) => {
    await runSql(url, statements)
    return await use(url)
  })
}

export async function withArchiModeler<Result>(
  elements: number,
  use: (url: string) => Promise<Result>,
): Promise<Result> {
  return await withDatabase(async (url) => {
    await generateMonolith(url, { elements, seed: 1 })
    return await use(url)
  })
}

export async function factsOf(url: string): Promise<MonolithFacts> {
  const target = { title: 'the monolith', variable: 'MONOLITH_DATABASE_URL', url }
  return await withSession(target, { purpose: 'test' }, readMonolith)
}

export async function draftOf(url: string, given: readonly GivenService[] = []): Promise<Draft> {
  return draftMonolith(await factsOf(url), given)
}

/** The services of a draft with their tables, in an order that says nothing. */
export function servicesOf({ services }: Draft): string[] {
  return services
    .map(({ entities }) =>
      entities
        .map(({ name }) => name)
        .toSorted()
        .join(' '),
    )
    .toSorted()
}
