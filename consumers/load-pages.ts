import { once } from 'node:events'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { Failure } from '../contracts/failure.ts'
import type { Entity } from '../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../contracts/language/quoting.ts'
import type { PageHeader } from '../contracts/wire/page-header.ts'
import { transcodePageToCopy } from '../contracts/wire/page-to-copy.ts'
import type { Shape } from '../contracts/wire/message.ts'
import { tableSql } from '../infra/postgres/digest-sql.ts'
import { codeOf, inTransaction } from '../infra/postgres/session.ts'

/** A page that waits to be loaded, whole, with what its bytes are read by. */
export interface PendingPage {
  readonly entity: Entity
  readonly shape: Shape
  readonly header: PageHeader
  readonly payload: Uint8Array
  /** The stream sequences that are applied with it: one, or those of its parts. */
  readonly sequences: readonly number[]
}

export interface LoadedPages {
  readonly entity: Entity
  readonly pages: number
  readonly rows: number
  readonly bytes: number
}

/**
 * Loads pages in one transaction: their ledger rows first, then by COPY the pages that the ledger did not have. A page
 * that comes again, by another loader or after a crash, is thus loaded once.
 * @throws Failure 4 where the service's table does not take a row, with the page's name.
 */
export async function loadPages(client: pg.Client, pages: readonly PendingPage[]): Promise<LoadedPages[]> {
  return await inTransaction(client, 'BEGIN', async () => {
    const fresh = await enterInLedger(client, pages)
    const loaded: LoadedPages[] = []
    for (const group of groupByTable(pages.filter((page) => fresh.has(pageName(page)))).values())
      loaded.push(await copyPages(client, group))
    return loaded
  })
}

async function enterInLedger(client: pg.Client, pages: readonly PendingPage[]): Promise<Set<string>> {
  const column = (value: (page: PendingPage) => string | number): (string | number)[] => pages.map(value)
  const { rows } = await client.query<{ name: string }>(
    `INSERT INTO scission.ledger (epoch, entity, attempt, chunk, page, rows)
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::integer[], $5::integer[], $6::bigint[])
     ON CONFLICT DO NOTHING
     RETURNING format('%s/%s/%s/%s/%s', epoch, attempt, chunk, page, entity) AS name`,
    [
      column(({ header }) => header.epoch),
      column(({ entity }) => entity.name),
      column(({ header }) => header.attempt),
      column(({ header }) => header.chunk),
      column(({ header }) => header.page),
      column(({ header }) => header.rowCount),
    ],
  )
  return new Set(rows.map(({ name }) => name))
}

/** The entity's name stands last, since it may hold any character. */
function pageName({ entity, header }: PendingPage): string {
  return `${header.epoch}/${header.attempt}/${header.chunk}/${header.page}/${entity.name}`
}

function groupByTable(pages: readonly PendingPage[]): Map<string, PendingPage[]> {
  const groups = new Map<string, PendingPage[]>()
  const taken = new Set<string>()
  for (const page of pages) {
    // The same page twice in one batch: the ledger took it once, and so must the table.
    if (taken.has(pageName(page))) continue
    taken.add(pageName(page))
    const group = `${page.header.shape}/${page.entity.name}`
    groups.set(group, [...(groups.get(group) ?? []), page])
  }
  return groups
}

/** The statement that takes an entity's pages: the columns of the pages' own shape, in its order. */
export function copyPagesSql(entity: Entity, shape: Shape): string {
  return `COPY ${tableSql(entity)} (${shape.columns.map(({ name }) => quoteIdentifier(name)).join(', ')}) FROM STDIN`
}

async function copyPages(client: pg.Client, pages: readonly PendingPage[]): Promise<LoadedPages> {
  const { entity, shape } = first(pages)
  const stream = client.query(copyFrom(copyPagesSql(entity, shape)))
  const finished = once(stream, 'finish')
  try {
    for (const { payload } of pages)
      if (!stream.write(transcodePageToCopy(payload, shape.columns)))
        await Promise.race([once(stream, 'drain'), finished])
    stream.end()
    await finished
  } catch (cause) {
    // Without an end of its own the COPY would wait for more rows, and the ROLLBACK behind it for ever.
    finished.catch(() => undefined)
    stream.destroy()
    throw loadFailure(entity, pages, cause)
  }
  const rows = pages.reduce((sum, { header }) => sum + header.rowCount, 0)
  if (stream.rowCount !== rows) throw new Error(`COPY took ${stream.rowCount} rows of ${rows}`)
  return { entity, pages: pages.length, rows, bytes: pages.reduce((sum, { payload }) => sum + payload.length, 0) }
}

/** PostgreSQL's sentence may quote a value: where the entity has secrets, only its code is shown. */
function loadFailure(entity: Entity, pages: readonly PendingPage[], cause: unknown): unknown {
  const code = codeOf(cause)
  if (!(cause instanceof Error) || !/^[0-9A-Z]{5}$/.test(code) || code.startsWith('57P') || code.startsWith('08'))
    return cause
  const secret = entity.columns.some((column) => column.secret)
  const said = secret ? `SQLSTATE ${code}` : `${cause.message}, SQLSTATE ${code}`
  const names = pages.map(({ header }) => `${header.chunk}/${header.page}`).join(', ')
  return new Failure(
    4,
    `Table ${tableSql(entity)} does not take the rows of page ${names} (attempt ${first(pages).header.attempt}): ${said}; compare the table with the contract (preflight), then run consume again.`,
    { cause },
  )
}

function first(pages: readonly PendingPage[]): PendingPage {
  const [page] = pages
  if (page === undefined) throw new Error('A group of pages is never empty')
  return page
}
