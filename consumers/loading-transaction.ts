import type pg from 'pg'
import type { Entity } from '../contracts/language/contract-set.ts'
import { crashPoint } from '../infra/crash-point.ts'
import { PageCopy } from './copy-pages.ts'
import { enterInLedger } from './ledger.ts'
import { copyKey, type PendingPage, type TakenPage } from './pending-page.ts'

export interface LoadedPages {
  readonly entity: Entity
  readonly pages: number
  readonly rows: number
  readonly bytes: number
}

/** What bounds a transaction, as far as it has come. */
export interface TransactionSize {
  readonly bytes: number
  readonly pages: number
  /** Whether it has been open for as long as it may be. */
  readonly isOverdue: boolean
}

/** What is kept of a page until it is committed is small, and adds up where pages are tiny. */
const MAX_PAGES = 8_192

/** Whether a transaction is to be committed before it takes more. */
export function isDue({ bytes, pages, isOverdue }: TransactionSize, transactionBytes: number): boolean {
  return isOverdue || bytes >= transactionBytes || pages >= MAX_PAGES
}

/**
 * A loader's open transaction. Pages are copied as they come; they are entered in the ledger at the end, in the same
 * transaction, so that a page's rows and its ledger row are there together or not at all, and the ledger's unique key
 * lets one transaction only have them. After an error it is rolled back, and of no use any more.
 */
export class LoadingTransaction {
  readonly #client: pg.Client
  readonly #pages: TakenPage[] = []
  #copy: PageCopy | null = null
  #bytes = 0
  isOverdue = false

  private constructor(client: pg.Client) {
    this.#client = client
  }

  static async begin(client: pg.Client): Promise<LoadingTransaction> {
    await client.query('BEGIN')
    return new LoadingTransaction(client)
  }

  get size(): TransactionSize {
    return { bytes: this.#bytes, pages: this.#pages.length, isOverdue: this.isOverdue }
  }

  /** What the open COPY takes; null where none is open. */
  get copyKey(): string | null {
    return this.#copy?.key ?? null
  }

  /** Copies a page: by the COPY that is open, where it takes it, since each COPY begins with cold buffers of its own. */
  async copy(page: PendingPage): Promise<void> {
    await this.#orRollBack(async () => {
      if (this.copyKey !== copyKey(page.taken)) await this.#endCopy()
      this.#copy ??= new PageCopy(this.#client, page)
      await this.#copy.write(page)
      this.#pages.push(page.taken)
      this.#bytes += page.taken.bytes
      crashPoint('consume-page-copied')
    })
  }

  /**
   * @returns the pages that are now stored, with their ledger rows.
   * @throws LedgerConflict where one of them came in by another way meanwhile; then none is.
   */
  async commit(): Promise<readonly TakenPage[]> {
    return await this.#orRollBack(async () => {
      await this.#endCopy()
      await enterInLedger(this.#client, this.#pages)
      crashPoint('consume-ledger-entered')
      const { command } = await this.#client.query('COMMIT')
      // A transaction that has failed is rolled back by COMMIT, without an error.
      if (command !== 'COMMIT') throw new Error(`A loading transaction ended with ${command}`)
      crashPoint('consume-pages-stored')
      return this.#pages
    })
  }

  async #endCopy(): Promise<void> {
    await this.#copy?.end()
    this.#copy = null
  }

  async #orRollBack<Result>(action: () => Promise<Result>): Promise<Result> {
    try {
      return await action()
    } catch (error) {
      await this.#copy?.giveUp()
      // Where the connection itself is gone the server rolls back, and the first error is the one that tells.
      await this.#client.query('ROLLBACK').catch(() => undefined)
      throw error
    }
  }
}

/** Pages, rows and bytes of each entity. */
export function totalsByEntity(pages: readonly TakenPage[]): LoadedPages[] {
  const totals = new Map<Entity, LoadedPages>()
  for (const { entity, header, bytes } of pages) {
    const sum = totals.get(entity) ?? { entity, pages: 0, rows: 0, bytes: 0 }
    totals.set(entity, {
      entity,
      pages: sum.pages + 1,
      rows: sum.rows + header.rowCount,
      bytes: sum.bytes + bytes,
    })
  }
  return [...totals.values()]
}
