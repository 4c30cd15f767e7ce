import type { Entity } from '../contracts/language/contract-set.ts'
import type { PageHeader } from '../contracts/wire/page-header.ts'
import type { PageColumn } from '../contracts/wire/page-to-copy.ts'

/** What is kept of a page until it is committed: all but its rows, which are let go when they are written out. */
export interface TakenPage {
  readonly entity: Entity
  readonly header: PageHeader
  readonly bytes: number
  /** The stream sequences that are applied with it: one, or those of its parts; and those by which it came again. */
  readonly sequences: number[]
  /** Whether the manifest is applied already, so that the ledger must have the page. */
  readonly isClosed: boolean
}

/** A page that waits to be loaded, whole, with what its bytes are read by. */
export interface PendingPage {
  readonly taken: TakenPage
  readonly columns: readonly PageColumn[]
  readonly payload: Uint8Array
}

/** What identifies a page in the ledger; the entity's name stands last, since it may hold any character. */
export function pageName({ epoch, attempt, chunk, page, entity }: PageHeader): string {
  return `${epoch}/${attempt}/${chunk}/${page}/${entity}`
}

/** For example `2/0/17`: attempt, chunk and page. */
export function placeOf({ header }: TakenPage): string {
  return `${header.attempt}/${header.chunk}/${header.page}`
}

/** Pages that one COPY can take: those of one table, in one shape. */
export function copyKey({ entity, header }: TakenPage): string {
  return `${header.shape}/${entity.name}`
}

export function groupByCopy(pages: readonly PendingPage[]): PendingPage[][] {
  const groups = new Map<string, PendingPage[]>()
  for (const page of pages) {
    const key = copyKey(page.taken)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [page])
    else group.push(page)
  }
  return [...groups.values()]
}
