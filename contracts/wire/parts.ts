import { createHash } from 'node:crypto'
import { MAX_PARTS } from './check-message.ts'
import { encodePart } from './encode-message.ts'
import { type Part, WIRE_VERSION } from './message.ts'
import { WireError } from './wire-error.ts'

/** Each reader of the publisher has one large message under way in a stream at most; this is several times as many. */
const MAX_ASSEMBLIES = 64

/** The header of the largest binary against that of an empty one, and the largest index and count against 0 and 1. */
const ENVELOPE_GROWTH_BYTES = 3 + 4 + 4

/**
 * Cuts a message that is too large for the broker into parts, all of one size but the last, and encodes them one by one.
 * @param partBytes what an encoded part may take.
 * @param id the same for all parts of the message, and for no other message of the stream.
 */
export function* splitIntoParts(payload: Uint8Array, partBytes: number, id: string): Generator<Uint8Array> {
  const digest = sha256(payload)
  const envelope = { v: WIRE_VERSION, kind: 'part', id, digest } as const
  const empty = encodePart({ ...envelope, index: 0, count: 1, bytes: new Uint8Array(0) })
  const bodyBytes = partBytes - empty.length - ENVELOPE_GROWTH_BYTES
  const count = Math.max(1, Math.ceil(payload.length / bodyBytes))
  if (bodyBytes < 1 || count > MAX_PARTS)
    throw new WireError(
      `A message of ${payload.length} bytes cannot travel in parts of ${partBytes}, of which there may be ${MAX_PARTS}: raise the broker's max_payload.`,
    )
  for (let index = 0; index < count; index++)
    yield encodePart({ ...envelope, index, count, bytes: payload.subarray(index * bodyBytes, (index + 1) * bodyBytes) })
}

interface Assembly {
  readonly id: string
  readonly digest: Uint8Array
  firstSequence: number
  readonly bytes: Map<number, Uint8Array>
}

/**
 * Puts parts together again, in whatever order they come. It holds the parts' bytes, not copies of them. Parts of one
 * message that are counted otherwise (since a publisher began again, at a broker with another `max_payload`) are
 * assembled apart from each other.
 */
export class PartAssembler {
  readonly #assemblies = new Map<string, Assembly>()

  /**
   * @param sequence the part's sequence in the stream.
   * @returns the whole message with its last missing part; null before.
   * @throws WireError where parts contradict each other, or too many messages are under way.
   */
  accept(sequence: number, part: Part): Uint8Array | null {
    const assembly = this.#assemblyOf(sequence, part)
    const known = assembly.bytes.get(part.index)
    if (known !== undefined && Buffer.compare(known, part.bytes) !== 0)
      refuse(part, 'comes twice, with different bytes')
    assembly.bytes.set(part.index, part.bytes)
    if (assembly.bytes.size < part.count) return null
    const whole = joined(assembly)
    if (Buffer.compare(sha256(whole), part.digest) !== 0) refuse(part, 'ends a message that does not have its digest')
    this.drop((id) => id === part.id)
    return whole
  }

  /** The lowest sequence of a part whose message is not whole yet: reading must begin there after a restart. */
  firstPendingSequence(): number | null {
    const sequences = [...this.#assemblies.values()].map(({ firstSequence }) => firstSequence)
    return sequences.length === 0 ? null : Math.min(...sequences)
  }

  /** Forgets messages by their id, such as those of a void attempt, whose parts may never all come. */
  drop(isVoid: (id: string) => boolean): void {
    for (const [name, { id }] of this.#assemblies) if (isVoid(id)) this.#assemblies.delete(name)
  }

  #assemblyOf(sequence: number, { id, count, digest, ...part }: Part): Assembly {
    const name = `${count}/${id}`
    const known = this.#assemblies.get(name)
    const assembly = known ?? { id, digest, firstSequence: sequence, bytes: new Map<number, Uint8Array>() }
    if (Buffer.compare(assembly.digest, digest) !== 0)
      refuse({ id, ...part }, 'has another digest than those before it')
    if (!known && this.#assemblies.size >= MAX_ASSEMBLIES)
      throw new WireError(
        `More than ${MAX_ASSEMBLIES} messages in parts are under way at once, ${id} among them: the log holds parts whose others never came.`,
      )
    assembly.firstSequence = Math.min(assembly.firstSequence, sequence)
    this.#assemblies.set(name, assembly)
    return assembly
  }
}

function joined({ bytes }: Assembly): Uint8Array {
  return Buffer.concat(Array.from({ length: bytes.size }, (_, index) => bytes.get(index) ?? new Uint8Array(0)))
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest())
}

function refuse({ id, index }: { readonly id: string; readonly index: number }, what: string): never {
  throw new WireError(`Part ${index} of message ${id} ${what}.`)
}
