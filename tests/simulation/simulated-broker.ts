import { parseLsn } from '../../contracts/positions.ts'
import { decodeMessage } from '../../contracts/wire/decode-message.ts'
import type { ChangeRun } from '../../contracts/wire/message.ts'
import type { Stored } from '../../publisher/in-flight-message.ts'
import type { LogWriter } from '../../publisher/log-writer.ts'

export interface StreamMessage {
  readonly subject: string
  readonly payload: Uint8Array
  /** Who wrote it, and its number among the epoch's. */
  readonly writer: string
  readonly number: number
  readonly storedAt: number
}

interface UnderWay {
  readonly subject: string
  readonly payload: Uint8Array
  readonly writer: string
  readonly stored: Stored | undefined
}

/** A service's stream: what is on its way, what is stored, and what of that is synced. Sequences are counted from 1. */
export class SimulatedStream {
  #messages: StreamMessage[] = []
  #underWay: UnderWay[] = []
  /** Stored, and not yet acknowledged. */
  #unanswered: { readonly stored: Stored | undefined; readonly sequence: number }[] = []
  #synced = 0

  get messages(): readonly StreamMessage[] {
    return this.#messages
  }

  /** How many changes no failure of power takes, of transactions up to this one. */
  syncedChanges(upTo: bigint): number {
    return this.#messages
      .slice(0, this.#synced)
      .flatMap(({ payload }) => changeRuns(payload))
      .filter(({ lsn }) => parseLsn(lsn) <= upTo)
      .reduce((sum, { changes }) => sum + changes.length, 0)
  }

  writerFor(writer: string): LogWriter {
    return {
      append: async (subject, payload, _identity, stored) => {
        this.#underWay.push({ subject, payload, writer, stored })
        await Promise.resolve()
      },
      flush: async () => await Promise.resolve(),
    }
  }

  /** The broker stores the next message that is on its way. */
  store(now: number): void {
    const next = this.#underWay.shift()
    if (next === undefined) return
    const { payload, stored, subject, writer } = next
    this.#messages.push({ subject, payload, writer, number: this.#messages.length + 1, storedAt: now })
    this.#unanswered.push({ stored, sequence: this.#messages.length })
  }

  /** The publisher hears of the next message that was stored. */
  acknowledge(): void {
    const next = this.#unanswered.shift()
    next?.stored?.(next.sequence)
  }

  sync(): void {
    this.#synced = this.#messages.length
  }

  /** What is older than a sync takes at most is synced. */
  syncBefore(time: number): void {
    while ((this.#messages[this.#synced]?.storedAt ?? Infinity) <= time) this.#synced += 1
  }

  /** The publisher dies: of what is on its way the broker may have stored some, and nobody is told. */
  lose(storedFirst: number, now: number): void {
    for (let left = storedFirst; left > 0; left -= 1) this.store(now)
    this.#underWay = []
    this.#unanswered = []
  }

  /** The broker's power fails: what was not synced is gone. */
  failPower(): void {
    this.#messages = this.#messages.slice(0, this.#synced)
    this.#underWay = []
    this.#unanswered = []
  }
}

/** @throws Error for a message of anything but changes. */
export function changeRuns(payload: Uint8Array): readonly ChangeRun[] {
  const message = decodeMessage(payload)
  if (message.kind !== 'change') throw new Error(`The log has a ${message.kind}`)
  return message.runs
}
