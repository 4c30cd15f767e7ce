import type pg from 'pg'
import { type Lsn, parseLsn } from '../../contracts/positions.ts'
import type { RefusedChange } from '../following/apply-one-by-one.ts'
import type { RowChange } from '../following/row-change.ts'
import * as store from './parked-store.ts'
import { type Separated, separate } from './waiting-rows.ts'
import type { Notice } from '../../infra/notice.ts'

/** What a consumer does about changes that are set aside. While there are none it costs nothing. */
export class Parking {
  readonly #notice: Notice
  readonly #service: string
  #chosen: Set<Lsn>
  /** Transactions at which a consumer stopped, or that were chosen, and that are not passed yet. */
  #isNoted: boolean
  #isWaiting: boolean

  /**
   * Reads what an operator has chosen, and whether anything waits.
   * @throws Failure 4 where the database is not prepared for it.
   */
  static async read(client: pg.Client, service: string, notice: Notice): Promise<Parking> {
    const noted = await store.readNoted(client, service)
    const count = await store.countParked(client)
    if (count > 0)
      notice(`${changesText(count)} parked, and later ones of the same rows wait with them: see parked list.`)
    return new Parking(service, noted, count > 0, notice)
  }

  private constructor(service: string, noted: readonly store.NotedTransaction[], isWaiting: boolean, notice: Notice) {
    this.#service = service
    this.#notice = notice
    this.#chosen = new Set(noted.filter(({ state }) => state === 'chosen').map(({ position }) => parseLsn(position)))
    this.#isNoted = noted.some(({ state }) => state !== 'parked')
    this.#isWaiting = isWaiting
  }

  /** Whether anything of a batch may have to wait, by the positions of its transactions. */
  concerns(transactions: readonly { readonly lsn: string }[]): boolean {
    return this.#isWaiting || (this.#chosen.size > 0 && transactions.some(({ lsn }) => this.#chosen.has(parseLsn(lsn))))
  }

  /** Says which of a batch's changes are applied, in the batch's transaction, which holds what waits as it is. */
  async separate(client: pg.Client, changes: readonly RowChange[]): Promise<Separated> {
    await store.lockParked(client, false)
    return separate(changes, this.#chosen, await store.readWaiting(client, changes))
  }

  /** Sets aside what waits, in the same transaction. */
  async store(client: pg.Client, { emptied, toPark }: Separated): Promise<void> {
    if (emptied.size > 0 && this.#isWaiting) await store.forgetEntities(client, [...emptied])
    if (toPark.length === 0) return
    await store.storeChanges(client, toPark)
    this.#isWaiting = true
  }

  /**
   * The position came to be this one, in the same transaction: what was noted before it is parked, or passed.
   * @returns the transactions that are parked once it is stored, for `stored`.
   */
  async advanced(client: pg.Client, position: string): Promise<readonly string[]> {
    if (!this.#isNoted) return []
    const passed = parseLsn(position)
    const { rows } = await client.query<{ lsn: string; isParked: string }>(
      `UPDATE parked_transaction AS own SET state = 'parked' WHERE lsn <= $1 AND state <> 'parked'
       RETURNING lsn::text, EXISTS (SELECT FROM parked_change AS change WHERE change.lsn = own.lsn) AS "isParked"`,
      [position],
    )
    await store.forgetEmptied(client)
    this.#chosen = new Set([...this.#chosen].filter((lsn) => lsn > passed))
    return rows.flatMap(({ isParked, lsn }) => (isParked === 't' ? [lsn] : []))
  }

  /** Tells of what is parked: before it is stored, a crash would make it untrue. */
  stored(parked: readonly string[]): void {
    for (const lsn of parked)
      this.#notice(
        `The transaction at ${lsn} is parked; later changes of its rows wait with it: see parked list ${this.#service}.`,
      )
  }

  /** Notes where the consumer stops, and why. The caller's transaction is rolled back. */
  async note(client: pg.Client, { lsn, message }: RefusedChange): Promise<void> {
    await client.query(
      `INSERT INTO parked_transaction (lsn, state, reason) VALUES ($1, 'stopped', $2)
       ON CONFLICT (lsn) DO UPDATE SET reason = excluded.reason`,
      [lsn, message],
    )
  }
}

function changesText(count: number): string {
  return count === 1 ? 'A change is' : `${count} changes are`
}
