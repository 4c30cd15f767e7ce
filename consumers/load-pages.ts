import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { Failure } from '../contracts/failure.ts'
import type { Entity } from '../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../contracts/language/quoting.ts'
import type { PageHeader } from '../contracts/wire/page-header.ts'
import { copyTextChunks, type PageColumn } from '../contracts/wire/page-to-copy.ts'
import { WireError } from '../contracts/wire/wire-error.ts'
import { tableSql } from '../infra/postgres/digest-sql.ts'
import { inTransaction } from '../infra/postgres/session.ts'
import { isConnectionLost } from './driver-failure.ts'

/** A page that waits to be loaded, whole, with what its bytes are read by. */
export interface PendingPage {
  readonly entity: Entity
  readonly columns: readonly PageColumn[]
  readonly header: PageHeader
  readonly payload: Uint8Array
  /** The stream sequences that are applied with it: one, or those of its parts. */
  readonly sequences: readonly number[]
  /** Whether the manifest is applied already, so that the ledger must have the page. */
  readonly isClosed: boolean
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
 * @throws Failure 4 where the service's table does not take a row, or a page comes behind its manifest; both name it.
 */
export async function loadPages(client: pg.Client, pages: readonly PendingPage[]): Promise<LoadedPages[]> {
  return await inTransaction(client, 'BEGIN', async () => {
    const fresh = await enterInLedger(client, pages)
    const late = fresh.find(({ isClosed }) => isClosed)
    if (late !== undefined)
      throw new Failure(
        4,
        `The log has page ${placeOf(late)} of ${late.entity.name} behind the manifest that does not count it: begin a new epoch with publish --new-epoch.`,
      )
    const loaded: LoadedPages[] = []
    for (const group of groupByTable(fresh)) loaded.push(await copyPages(client, group))
    return loaded
  })
}

/** In the order of their identities, so that two loaders with the same pages wait for each other one way only. */
async function enterInLedger(client: pg.Client, pages: readonly PendingPage[]): Promise<PendingPage[]> {
  const column = (value: (page: PendingPage) => string | number): (string | number)[] => pages.map(value)
  const { rows } = await client.query<{ name: string }>(
    `INSERT INTO scission.ledger (epoch, entity, attempt, chunk, page, rows)
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::integer[], $5::integer[], $6::bigint[])
      ORDER BY 1, 2, 3, 4, 5
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
  const entered = new Set(rows.map(({ name }) => name))
  // A page may be twice in one batch: `delete` finds it once.
  return pages.filter((page) => entered.delete(pageName(page)))
}

/** The entity's name stands last, since it may hold any character. */
function pageName({ entity, header }: PendingPage): string {
  return `${header.epoch}/${header.attempt}/${header.chunk}/${header.page}/${entity.name}`
}

function groupByTable(pages: readonly PendingPage[]): PendingPage[][] {
  const groups = new Map<string, PendingPage[]>()
  for (const page of pages) {
    const name = `${page.header.shape}/${page.entity.name}`
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [page])
    else group.push(page)
  }
  return [...groups.values()]
}

/** The statement that takes an entity's pages: the columns of the pages' own shape, in its order. */
export function copyPagesSql(entity: Entity, columns: readonly PageColumn[]): string {
  const names = columns.filter(({ leftOut }) => leftOut !== true).map(({ name }) => quoteIdentifier(name))
  return `COPY ${tableSql(entity)} (${names.join(', ')}) FROM STDIN`
}

async function copyPages(client: pg.Client, pages: readonly PendingPage[]): Promise<LoadedPages> {
  const [first] = pages
  if (first === undefined) throw new Error('A group of pages is never empty')
  const { entity } = first
  const stream = client.query(copyFrom(copyPagesSql(entity, first.columns)))
  // It fails twice where the server breaks the COPY off: with the server's error, then because it cannot break it off.
  stream.on('error', () => undefined)
  try {
    await pipeline(textOf(pages), stream)
  } catch (cause) {
    throw loadFailure(pages, entity, cause)
  }
  const rows = pages.reduce((sum, { header }) => sum + header.rowCount, 0)
  if (stream.rowCount !== rows) throw refusal(pages, entity, `took ${stream.rowCount} rows of ${rows}`)
  return { entity, pages: pages.length, rows, bytes: pages.reduce((sum, { payload }) => sum + payload.length, 0) }
}

function* textOf(pages: readonly PendingPage[]): Generator<Buffer> {
  for (const { payload, columns } of pages) yield* copyTextChunks(payload, columns)
}

/** PostgreSQL's sentence may quote a value: where the entity has secrets, only its code and the column are shown. */
function loadFailure(pages: readonly PendingPage[], entity: Entity, cause: unknown): unknown {
  if (cause instanceof WireError) return refusal(pages, entity, `cannot be filled: ${cause.message}`, cause)
  if (!(cause instanceof pg.DatabaseError) || isConnectionLost(cause)) return cause
  const { code, column, message, where } = cause
  const secret = entity.columns.some((candidate) => candidate.secret)
  const said = secret ? `column ${JSON.stringify(column ?? 'unknown')}` : message
  return refusal(pagesAt(pages, entity, where), entity, `does not take the rows: ${said}, SQLSTATE ${code}`, cause)
}

/** The page that holds the line that PostgreSQL names; all of them where it names none. */
function pagesAt(pages: readonly PendingPage[], entity: Entity, where: string | undefined): readonly PendingPage[] {
  const context = `COPY ${entity.table}, line `
  if (where?.startsWith(context) !== true) return pages
  let lines = Number.parseInt(where.slice(context.length), 10)
  const page = pages.find(({ header }) => (lines -= header.rowCount) <= 0)
  return page === undefined ? pages : [page]
}

function refusal(pages: readonly PendingPage[], entity: Entity, what: string, cause?: Error): Failure {
  const places = `${pages.length === 1 ? 'page' : 'one of the pages'} ${pages.map(placeOf).join(', ')}`
  return new Failure(
    4,
    `Table ${tableSql(entity)} ${what.replace(/\.$/, '')} (${places}); compare the table with the contract (preflight), then run consume again.`,
    { cause },
  )
}

/** For example `2/0/17`: attempt, chunk and page. */
function placeOf({ header }: PendingPage): string {
  return `${header.attempt}/${header.chunk}/${header.page}`
}
