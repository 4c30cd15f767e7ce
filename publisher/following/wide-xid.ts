const HALF = 1n << 31n
const MODULUS = 1n << 32n

/**
 * Makes 64 bits of the transaction ids that the replication stream has with 32: those next to the last one known, since
 * no slot holds WAL across two thousand million transactions. Manual: "Transactions and Identifiers".
 */
export class WideXids {
  #near: bigint

  /** @param near a transaction id of the monolith's present, 64 bits wide. */
  constructor(near: bigint) {
    this.#near = near
  }

  widen(xid: number): bigint {
    const behind = (this.#near - BigInt(xid)) & (MODULUS - 1n)
    const wide = behind < HALF ? this.#near - behind : this.#near + (MODULUS - behind)
    if (wide > this.#near) this.#near = wide
    return wide
  }
}
