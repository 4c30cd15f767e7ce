import { once } from 'node:events'
import pg from 'pg'
import { type CopyStreamQuery, from as copyFrom } from 'pg-copy-streams'
import { Failure } from '../contracts/failure.ts'
import type { Entity } from '../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../contracts/language/quoting.ts'
import { copyTextChunks, MAX_CHUNK_BYTES, type PageColumn } from '../contracts/wire/page-to-copy.ts'
import { WireError } from '../contracts/wire/wire-error.ts'
import { tableSql } from '../infra/postgres/digest-sql.ts'
import { outageCause } from './database-outage.ts'
import { copyKey, type PendingPage, placeOf, type TakenPage } from './pending-page.ts'

/** How many pages a sentence names where it cannot tell which one it is. */
const NAMED_PAGES = 8

/**
 * One COPY into a table, which takes page after page as they come. Of the pages that it took it keeps what names them, and
 * no rows, so that it costs the same memory however much goes through it.
 */
export class PageCopy {
  readonly key: string
  readonly #client: pg.Client
  readonly #entity: Entity
  readonly #stream: CopyStreamQuery
  /** What the socket has let go of is written to again: memory that is new to the process costs as much as filling it. */
  #memory: Buffer | null = null
  readonly #pages: TakenPage[] = []
  #failure: Error | null = null
  #stopWaiting: (error: Error) => void = () => undefined

  /** @param first the first page, which says of which table and shape all of them are. */
  constructor(client: pg.Client, first: PendingPage) {
    this.key = copyKey(first.taken)
    this.#client = client
    this.#entity = first.taken.entity
    this.#stream = client.query(copyFrom(copyPagesSql(this.#entity, first.columns)))
    this.#stream.on('error', (error) => {
      this.#failure ??= error
      this.#stopWaiting(error)
    })
  }

  /**
   * Returns when the page's bytes are written out, which is not yet when they are in the table.
   * @throws Failure 4 where the table does not take a row, of this page or of one before; it names the page.
   */
  async write(page: PendingPage): Promise<void> {
    this.#pages.push(page.taken)
    const allocate = (): Buffer => (this.#memory ??= Buffer.allocUnsafeSlow(MAX_CHUNK_BYTES))
    try {
      for (const chunk of copyTextChunks(page.payload, page.columns, { allocate })) await this.#send(chunk)
    } catch (cause) {
      throw loadFailure(this.#pages, this.#entity, cause)
    }
  }

  /**
   * Ends it, and sees that the table took every row.
   * @throws Failure 4 as `write` does, and where rows are missing.
   */
  async end(): Promise<readonly TakenPage[]> {
    try {
      if (this.#failure !== null) throw this.#failure
      const finished = once(this.#stream, 'finish')
      this.#stream.end()
      await finished
    } catch (cause) {
      throw loadFailure(this.#pages, this.#entity, cause)
    }
    const rows = this.#pages.reduce((sum, { header }) => sum + header.rowCount, 0)
    if (this.#stream.rowCount !== rows)
      throw refusal(this.#pages, this.#entity, `took ${this.#stream.rowCount} rows of ${rows}`)
    return this.#pages
  }

  /** Breaks it off, unless the server did; its session can then be used again. */
  async giveUp(): Promise<void> {
    if (this.#failure !== null || this.#stream.destroyed) return
    const closed = once(this.#stream, 'close').catch(() => undefined)
    this.#stream.destroy()
    await closed
  }

  /** One piece at a time: of several the driver would go on to write after the server has broken the COPY off. */
  async #send(chunk: Buffer): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure)
      this.#stopWaiting = reject
      this.#stream.write(chunk, (error) => (error == null ? resolve() : reject(error)))
    })
    // The driver is done with a small piece before the socket is.
    if (this.#client.connection.stream.writableLength > 0) this.#memory = null
  }
}

/** The statement that takes an entity's pages: the columns of the pages' own shape, in its order. */
export function copyPagesSql(entity: Entity, columns: readonly PageColumn[]): string {
  const names = columns.filter(({ leftOut }) => leftOut !== true).map(({ name }) => quoteIdentifier(name))
  return `COPY ${tableSql(entity)} (${names.join(', ')}) FROM STDIN`
}

/** PostgreSQL's sentence may quote a value: where the entity has secrets, only its code and the column are shown. */
function loadFailure(pages: readonly TakenPage[], entity: Entity, cause: unknown): unknown {
  if (cause instanceof WireError) return refusal(pages.slice(-1), entity, `cannot be filled: ${cause.message}`, cause)
  if (!(cause instanceof pg.DatabaseError) || outageCause(cause) !== null) return cause
  const { code, column, message, where } = cause
  const secret = entity.columns.some((candidate) => candidate.secret)
  const said = secret ? `column ${JSON.stringify(column ?? 'unknown')}` : message
  return refusal(pagesAt(pages, entity, where), entity, `does not take the rows: ${said}, SQLSTATE ${code}`, cause)
}

/** The page that holds the line that PostgreSQL names; all of them where it names none. */
function pagesAt(pages: readonly TakenPage[], entity: Entity, where: string | undefined): readonly TakenPage[] {
  const context = `COPY ${entity.table}, line `
  if (where?.startsWith(context) !== true) return pages
  let lines = Number.parseInt(where.slice(context.length), 10)
  const page = pages.find(({ header }) => (lines -= header.rowCount) <= 0)
  return page === undefined ? pages : [page]
}

function refusal(pages: readonly TakenPage[], entity: Entity, what: string, cause?: Error): Failure {
  const named = pages.slice(0, NAMED_PAGES).map(placeOf).join(', ')
  const more = pages.length > NAMED_PAGES ? ` and ${pages.length - NAMED_PAGES} more` : ''
  const places = `${pages.length === 1 ? 'page' : 'one of the pages'} ${named}${more}`
  return new Failure(
    4,
    `Table ${tableSql(entity)} ${what.replace(/\.$/, '')} (${places}); compare the table with the contract (preflight), then run consume again.`,
    { cause },
  )
}
