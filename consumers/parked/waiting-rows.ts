import type { Lsn } from '../../contracts/positions.ts'
import { parseLsn } from '../../contracts/positions.ts'
import type { RowChange } from '../following/row-change.ts'

/** Which rows have changes that wait: whatever changes them later waits behind those. */
export class WaitingRows {
  /** The keys that wait of each entity; null where a truncate waits, and with it the whole table. */
  readonly #keys = new Map<string, Set<string> | null>()

  /** @param key as `RowKey.name`; null for the whole table. */
  add(entity: string, key: string | null): void {
    const known = this.#keys.get(entity)
    if (known === null) return
    if (key === null) this.#keys.set(entity, null)
    else if (known === undefined) this.#keys.set(entity, new Set([key]))
    else known.add(key)
  }

  isWaiting(change: RowChange): boolean {
    const known = this.#keys.get(change.place.table.entity.name)
    return known === null || (known !== undefined && keysOf(change).some((key) => key !== null && known.has(key)))
  }

  clear(entity: string): void {
    this.#keys.delete(entity)
  }
}

/** The keys that a change touches: of an update that moves its row both, of a truncate null. */
export function keysOf(change: RowChange): (string | null)[] {
  if (change.op === 'truncate') return [null]
  return change.op === 'update' && change.newKey !== null ? [change.key.name, change.newKey] : [change.key.name]
}

export interface Separated {
  readonly toApply: readonly RowChange[]
  readonly toPark: readonly RowChange[]
  /** Entities that a truncate emptied: what waited for their rows before is void. */
  readonly emptied: ReadonlySet<string>
}

/**
 * Separates changes, in the monolith's order, into those that are applied and those that are set aside: all of a chosen
 * transaction, and each later one of a row that waits. A table that is emptied has no row that waits.
 */
export function separate(changes: readonly RowChange[], chosen: ReadonlySet<Lsn>, waiting: WaitingRows): Separated {
  const toApply: RowChange[] = []
  let toPark: RowChange[] = []
  const emptied = new Set<string>()
  for (const change of changes) {
    const entity = change.place.table.entity.name
    const isChosen = chosen.size > 0 && chosen.has(parseLsn(change.place.lsn))
    if (change.op === 'truncate' && !isChosen) {
      toPark = toPark.filter(({ place }) => place.table.entity.name !== entity)
      waiting.clear(entity)
      emptied.add(entity)
      toApply.push(change)
    } else if (isChosen || waiting.isWaiting(change)) {
      toPark.push(change)
      for (const key of keysOf(change)) waiting.add(entity, key)
    } else toApply.push(change)
  }
  return { toApply, toPark, emptied }
}
