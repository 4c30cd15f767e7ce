/** A digest of a set of rows: their count, and the sum of their 128-bit hashes modulo 2^128. */
export interface Digest {
  readonly rows: number
  readonly sum: bigint
}

const MODULUS = 1n << 128n
const HEXADECIMAL_DIGITS = 32

export const EMPTY_DIGEST: Digest = { rows: 0, sum: 0n }

/** Builds a digest from what the digest's SQL returns: a count and the sums of the hashes' high and low 64 bits, signed. */
export function digestFromSums(sums: { readonly rows: string; readonly high: string; readonly low: string }): Digest {
  return { rows: Number(sums.rows), sum: modulo((BigInt(sums.high) << 64n) + BigInt(sums.low)) }
}

/** Builds a digest from what a message says of it: a count, and the sum as 32 hexadecimal digits. */
export function digestFromText({ rows, digest }: { readonly rows: number; readonly digest: string }): Digest {
  return { rows, sum: BigInt(`0x${digest}`) }
}

/** The digest of two disjoint sets of rows together. */
export function addDigests(left: Digest, right: Digest): Digest {
  return { rows: left.rows + right.rows, sum: modulo(left.sum + right.sum) }
}

/** 32 hexadecimal digits. */
export function digestText({ sum }: Digest): string {
  return sum.toString(16).padStart(HEXADECIMAL_DIGITS, '0')
}

function modulo(value: bigint): bigint {
  return ((value % MODULUS) + MODULUS) % MODULUS
}
