import { WireError } from './wire-error.ts'

/**
 * The fields of one map of a message, taken out one by one, so that `end` finds what the format does not know.
 * Maps come as `Map` from bytes and as objects from the program: both sides are checked by the same code.
 */
export class MessageFields {
  readonly #fields: Map<string, unknown>
  readonly #of: string

  /** @param of what the map is, as the sentences name it, for example `A page`. */
  constructor(value: unknown, of: string) {
    this.#of = of
    this.#fields = entriesOf(value) ?? this.refuse(`must be a map, and it is ${described(value)}`)
  }

  /** An integer from `from` up to 2^53 − 1. */
  count(name: string, from: number): number {
    const value = this.#take(name)
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= from) return value
    return this.#refuseField(name, `an integer from ${from}`, value)
  }

  text(name: string): string {
    const value = this.#take(name)
    return typeof value === 'string' && value !== '' ? value : this.#refuseField(name, 'text', value)
  }

  /** @param what what the pattern stands for, in words. */
  matching(name: string, pattern: RegExp, what: string): string {
    const value = this.#take(name)
    return typeof value === 'string' && pattern.test(value) ? value : this.#refuseField(name, what, value)
  }

  oneOf<const Choice extends string>(name: string, choices: readonly Choice[]): Choice {
    const value = this.#take(name)
    return choices.find((choice) => choice === value) ?? this.#refuseField(name, `one of ${choices.join(', ')}`, value)
  }

  boolean(name: string): boolean {
    const value = this.#take(name)
    return typeof value === 'boolean' ? value : this.#refuseField(name, 'true or false', value)
  }

  bytes(name: string, byteLength?: number): Uint8Array {
    const value = this.#take(name)
    if (value instanceof Uint8Array && value.length === (byteLength ?? value.length)) return value
    return this.#refuseField(name, byteLength === undefined ? 'bytes' : `${byteLength} bytes`, value)
  }

  /** An array, each element read by `read`, which is told the element's place. */
  list<Item>(name: string, read: (value: unknown, index: number) => Item): Item[] {
    const value = this.#take(name)
    return Array.isArray(value) ? value.map(read) : this.#refuseField(name, 'an array', value)
  }

  nested(name: string, of: string): MessageFields {
    return new MessageFields(this.#take(name), of)
  }

  nestedOrNull(name: string, of: string): MessageFields | null {
    const value = this.#take(name)
    return value === null ? null : new MessageFields(value, of)
  }

  /** @throws WireError that names the first field which the format does not have. */
  end(): void {
    for (const name of this.#fields.keys())
      this.refuse(`has a field ${JSON.stringify(name)}, which the format does not know`)
  }

  refuse(what: string): never {
    throw new WireError(`${this.#of} of the log ${what}.`)
  }

  #take(name: string): unknown {
    if (!this.#fields.has(name)) this.refuse(`lacks its field ${name}`)
    const value = this.#fields.get(name)
    this.#fields.delete(name)
    return value
  }

  #refuseField(name: string, must: string, value: unknown): never {
    return this.refuse(`has a field ${name} that must be ${must}, and it is ${described(value)}`)
  }
}

function entriesOf(value: unknown): Map<string, unknown> | null {
  if (value instanceof Map) return new Map<string, unknown>(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) return null
  return new Map<string, unknown>(Object.entries(value))
}

/** The sort of a value and never the value itself, which may be a secret; numbers of a message's frame are none. */
export function described(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return value === '' ? 'empty text' : `text of ${value.length} characters`
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (Array.isArray(value)) return `an array of ${value.length}`
  return typeof value === 'object' ? 'a map' : `a ${typeof value}`
}
