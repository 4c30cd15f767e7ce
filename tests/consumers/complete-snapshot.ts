import type { Entity } from '../../contracts/language/contract-set.ts'
import type { WireRow } from '../../contracts/wire/message.ts'
import { entityNamed, sales } from './shop.ts'
import type { HandWrittenLog } from './hand-written-log.ts'

export const Customer: Entity = entityNamed('Customer')
export const Order: Entity = entityNamed('Order')

/** Customers with consecutive ids, as a page has them. */
export function customers(from: number, count: number, note: string | null = null): WireRow[] {
  return Array.from({ length: count }, (_, index) => [from + index, `customer ${from + index}`, note])
}

/** Pages and rows of the entities that have any, at one attempt of all. */
export type Totals = Readonly<Record<string, readonly [pages: number, rows: number]>>

export async function announceAll(log: HandWrittenLog, attempt = 1): Promise<void> {
  for (const entity of sales.entities) await log.announce(entity, attempt)
}

/** Closes the snapshot; entities that are not given have no rows. */
export async function closeAll(log: HandWrittenLog, totals: Totals, attempt = 1): Promise<void> {
  await log.manifest(
    sales.entities.map(({ name: entity }) => {
      const [pages, rows] = totals[entity] ?? [0, 0]
      return { entity, attempt, pages, rows }
    }),
  )
}

/** An epoch with ten customers in two pages, each with an order, and nothing else. */
export async function writeSmallSnapshot(log: HandWrittenLog, epoch = 1, note: string | null = null): Promise<void> {
  await log.begin(epoch, { startedAt: `2024-01-0${epoch}T00:00:00.000Z` })
  await announceAll(log)
  await log.page(Customer, customers(1, 5, note), { page: 0 })
  await log.page(
    Order,
    Array.from({ length: 10 }, (_, index) => [index + 1, index + 1, '2.50', index || null]),
  )
  await log.page(Customer, customers(6, 5, note), { page: 1 })
  await closeAll(log, { Customer: [2, 10], Order: [1, 10] })
}
