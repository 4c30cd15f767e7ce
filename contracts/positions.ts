declare const brand: unique symbol
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name }

/** A position in the monolith's WAL, in bytes. Manual: "pg_lsn Type". */
export type Lsn = Branded<bigint, 'Lsn'>

/** One life of the slot (or of the snapshot, where there is no slot), counted from 1. */
export type Epoch = Branded<number, 'Epoch'>

/** A message's sequence in its JetStream stream, counted from 1; 0 stands before the first. */
export type StreamSequence = Branded<number, 'StreamSequence'>

/** Up to eight hexadecimal digits on each side: PLR and PostgreSQL print them with and without leading zeros. */
const LSN_TEXT = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/

/** @throws RangeError where the text is not an LSN such as `0/16B3748`. */
export function parseLsn(text: string): Lsn {
  const [, high, low] = LSN_TEXT.exec(text) ?? []
  if (high === undefined || low === undefined) throw new RangeError(`Not an LSN: ${JSON.stringify(text)}`)
  return ((BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)) as Lsn
}

/** PostgreSQL's own form, for example `0/16B3748`. */
export function lsnText(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffffffffn).toString(16).toUpperCase()}`
}

/** The position right behind another: what begins before it begins at that one or before. */
export function justBehind(lsn: Lsn): Lsn {
  return (lsn + 1n) as Lsn
}

/** Orders positions as a sort needs it. */
export function comparePositions(one: string, other: string): number {
  const difference = parseLsn(one) - parseLsn(other)
  return difference < 0n ? -1 : Number(difference > 0n)
}

/** @throws RangeError where the number is not a positive safe integer. */
export function parseEpoch(value: number): Epoch {
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`Not an epoch: ${value}`)
  return value as Epoch
}

/** @throws RangeError where the number is not a safe integer from 0. */
export function parseStreamSequence(value: number): StreamSequence {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`Not a stream sequence: ${value}`)
  return value as StreamSequence
}
