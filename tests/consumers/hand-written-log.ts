import { randomUUID } from 'node:crypto'
import { headers, type JetStreamClient, type NatsConnection } from 'nats'
import type { Entity } from '../../contracts/language/contract-set.ts'
import { controlSubject, snapshotSubject, streamName } from '../../contracts/subjects.ts'
import { encodeControl, encodePage } from '../../contracts/wire/encode-message.ts'
import { EPOCH_HEADER, NUMBER_HEADER, WRITER_HEADER } from '../../contracts/wire/headers.ts'
import type { Control, EntityTotals, Shape, WireRow } from '../../contracts/wire/message.ts'
import { splitIntoParts } from '../../contracts/wire/parts.ts'
import { shapeHash, shapeOf } from '../../contracts/wire/shape.ts'
import { streamConfiguration } from '../../infra/nats/stream-settings.ts'

export interface PagePlace {
  readonly attempt?: number
  readonly chunk?: number
  readonly page?: number
}

type ControlBody<Kind extends Control['control']> = Omit<
  Extract<Control, { control: Kind }>,
  'v' | 'kind' | 'epoch' | 'control'
>

const SYSTEM_ID = '7000000000000000001'

/** A service's log that no publisher wrote: it may hold whatever a consumer must stand or refuse. */
export class HandWrittenLog {
  readonly stream: string
  readonly #jetstream: JetStreamClient
  readonly #connection: NatsConnection
  readonly #prefix: string
  readonly #service: string
  epoch = 1
  number = 1
  writer = randomUUID()

  constructor(connection: NatsConnection, prefix: string, service: string) {
    this.stream = streamName(prefix, service)
    this.#connection = connection
    this.#jetstream = connection.jetstream()
    this.#prefix = prefix
    this.#service = service
  }

  /** As `prepare` makes it, but that messages can be removed. */
  async create(): Promise<void> {
    const manager = await this.#connection.jetstreamManager()
    const lax = { deny_delete: false, deny_purge: false }
    await manager.streams.add({ ...streamConfiguration(this.#prefix, this.#service, 1), ...lax })
  }

  async remove(): Promise<void> {
    const manager = await this.#connection.jetstreamManager()
    await manager.streams.delete(this.stream)
  }

  async length(): Promise<number> {
    const manager = await this.#connection.jetstreamManager()
    return (await manager.streams.info(this.stream)).state.last_seq
  }

  /** Any bytes under any subject of the service's, with the next number, and headers that may be others. */
  async send(subject: string, payload: Uint8Array, given: Readonly<Record<string, string>> = {}): Promise<void> {
    const own = headers()
    own.set(WRITER_HEADER, this.writer)
    own.set(EPOCH_HEADER, String(this.epoch))
    own.set(NUMBER_HEADER, String(this.number++))
    for (const [name, value] of Object.entries(given)) own.set(name, value)
    await this.#jetstream.publish(`${this.#prefix}.${this.#service}.${subject}`, payload, { headers: own })
  }

  async control<Kind extends Control['control']>(control: Kind, body: ControlBody<Kind>): Promise<void> {
    // The parameters' types pair kind and body.
    const message = { v: 1, kind: 'control', epoch: this.epoch, control, ...body } as unknown as Control
    await this.send(`control.${control}`, encodeControl(message))
  }

  /** Begins an epoch: all that is sent from here on is of it. */
  async begin(
    epoch = 1,
    { contractSet = 'shop', startedAt = '2024-01-01T00:00:00.000Z', systemId = SYSTEM_ID } = {},
  ): Promise<void> {
    this.epoch = epoch
    this.number = 1
    const slot = null
    const of = { systemId, timeline: 1, database: 'monolith' }
    await this.control('epoch', { contractSet, service: this.#service, ...of, slot, startedAt })
  }

  /** Describes and announces one reading of an entity. */
  async announce(entity: Entity, attempt = 1): Promise<void> {
    const shape = shapeOf(entity)
    await this.describe(shape)
    const of = { entity: entity.name, shape: shapeHash(shape), attempt }
    await this.control('attempt', { ...of, snapshot: '10:10:', consistencyPoint: '0/16B3748', blocks: 0, chunks: 1 })
  }

  async describe(shape: Shape): Promise<void> {
    await this.control('contract', { hash: shapeHash(shape), shape })
  }

  async page(entity: Entity, rows: readonly WireRow[], place: PagePlace = {}): Promise<void> {
    await this.send(this.snapshotSubject(entity), this.pageBytes(entity, rows, place))
  }

  pageBytes(
    entity: Entity,
    rows: readonly WireRow[],
    { attempt = 1, chunk = 0, page = 0 }: PagePlace = {},
  ): Uint8Array {
    const shape = shapeOf(entity)
    const place = { attempt, chunk, page, firstCtid: '(0,1)', lastCtid: '(0,2)' }
    return encodePage(
      { v: 1, kind: 'page', epoch: this.epoch, entity: entity.name, shape: shapeHash(shape), ...place, rows },
      shape.columns,
    )
  }

  /** The parts of a message, to be sent in any order. */
  parts(payload: Uint8Array, partBytes: number, id: string = randomUUID()): Uint8Array[] {
    return [...splitIntoParts(payload, partBytes, id)]
  }

  async manifest(totals: readonly Pick<EntityTotals, 'entity' | 'attempt' | 'rows' | 'pages'>[]): Promise<void> {
    const entities = totals.map((entity) => ({ ...entity, bytes: 0, digest: '0'.repeat(32) }))
    await this.control('manifest', {
      entities,
      consistencyPoint: '0/16B3748',
      snapshot: '10:10:',
      closedAt: '2024-01-01T00:00:01.000Z',
    })
  }

  snapshotSubject(entity: Entity): string {
    return this.#relative(snapshotSubject(this.#prefix, this.#service, entity.name))
  }

  controlSubject(kind: Control['control']): string {
    return this.#relative(controlSubject(this.#prefix, this.#service, kind))
  }

  #relative(subject: string): string {
    return subject.slice(`${this.#prefix}.${this.#service}.`.length)
  }
}
