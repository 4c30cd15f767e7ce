import { decodeMessage } from '../contracts/wire/decode-message.ts'
import { messageKind } from '../contracts/wire/message-kind.ts'
import { PartAssembler } from '../contracts/wire/parts.ts'
import type { LogMessage } from '../infra/nats/read-log.ts'

/** A message as it was written, whether it travelled in parts or not. */
export interface WholeMessage {
  readonly subject: string
  readonly payload: Uint8Array
  /** What it took up in the stream: one sequence, or those of its parts. */
  readonly sequences: readonly number[]
}

/** Puts messages that travelled in parts together again, in whatever order the parts come. */
export class PartCollector {
  readonly #parts = new PartAssembler()
  readonly #unfinished = new Map<string, number[]>()
  #writer: string | null = null

  /** @returns the whole message; null while parts of it are missing. */
  collect({ subject, payload, sequence }: LogMessage): WholeMessage | null {
    if (messageKind(payload) !== 'part') return { subject, payload, sequences: [sequence] }
    const part = decodeMessage(payload)
    if (part.kind !== 'part') throw new Error('The message was a part a moment ago')
    const sequences = [...(this.#unfinished.get(part.id) ?? []), sequence]
    this.#unfinished.set(part.id, sequences)
    const whole = this.#parts.accept(sequence, part)
    if (whole === null) return null
    this.#unfinished.delete(part.id)
    return { subject, payload: whole, sequences }
  }

  /**
   * To be called with each message's writer before it is collected: a message has one writer, so what the one before
   * left unfinished will never be whole.
   * @returns the sequences that it took up, which nothing is to be done for any more.
   */
  enterWriter(writer: string): readonly number[] {
    if (writer === this.#writer) return []
    this.#writer = writer
    const abandoned = [...this.#unfinished.values()].flat()
    this.#unfinished.clear()
    this.#parts.drop(() => true)
    return abandoned
  }
}
