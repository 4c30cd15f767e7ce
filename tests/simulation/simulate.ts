import * as assert from 'uvu/assert'
import type { Lsn } from '../../contracts/positions.ts'
import type { PgoutputMessage } from '../../publisher/following/pgoutput.ts'
import { choose, type Random } from '../hostile/random.ts'
import { SimulatedStream } from './simulated-broker.ts'
import { emptyDatabase, type ServiceDatabase, SimulatedConsumer } from './simulated-consumer.ts'
import { ROUTES, SET, type SimulatedMonolith, simulatedMonolith } from './simulated-monolith.ts'
import { SimulatedPublisher, type Streams } from './simulated-publisher.ts'

/** How many of each died on the way. */
export interface Deaths {
  publisher: number
  power: number
  consumer: number
}

export interface SimulatedSplit {
  readonly monolith: SimulatedMonolith
  readonly streams: Streams
  readonly databases: ReadonlyMap<string, ServiceDatabase>
  readonly deaths: Deaths
}

const MOST_TRANSACTIONS = 14
const MOST_STEPS = 400
/** A broker that syncs each message, or one that does after a while. */
const SYNCS_MS = [0, 500]

/** What may happen next, by how often. */
const EVENTS = [
  ...Array<'receive'>(8).fill('receive'),
  ...Array<'store'>(6).fill('store'),
  ...Array<'acknowledge'>(6).fill('acknowledge'),
  ...Array<'confirm'>(2).fill('confirm'),
  ...Array<'read'>(5).fill('read'),
  ...Array<'apply'>(3).fill('apply'),
  'sync',
  'pass time',
  'publisher dies',
  'consumer dies',
  'power fails',
] as const

/** Plays one split from its monolith to its end: at each step something happens, and at any of them something may die. */
export async function simulate(random: Random): Promise<SimulatedSplit> {
  const play = new Play(random)
  await play.untilEnd()
  return play
}

class Play implements SimulatedSplit {
  readonly #random: Random
  readonly #syncMs: number
  readonly monolith: SimulatedMonolith
  readonly streams: Streams
  readonly databases: Map<string, ServiceDatabase>
  readonly deaths: Deaths = { publisher: 0, power: 0, consumer: 0 }
  readonly #consumers = new Map<string, SimulatedConsumer>()
  #publisher: SimulatedPublisher
  #confirmed = 0n as Lsn
  #life = 0

  constructor(random: Random) {
    this.#random = random
    this.#syncMs = choose(random, SYNCS_MS)
    this.monolith = simulatedMonolith(random, 1 + random(MOST_TRANSACTIONS))
    this.streams = new Map(SET.services.map(({ name }) => [name, new SimulatedStream()]))
    this.databases = new Map(SET.services.map((service) => [service.name, emptyDatabase(service)]))
    this.#publisher = this.#newPublisher()
  }

  async untilEnd(): Promise<void> {
    const clock = new Clock()
    try {
      for (let steps = this.#random(MOST_STEPS); steps > 0; steps -= 1) await this.#step(clock)
      await this.#settle(clock)
    } finally {
      clock.leave()
    }
  }

  async #step(clock: Clock): Promise<void> {
    clock.now += this.#random(5)
    const service = choose(this.#random, SET.services).name
    const stream = this.#stream(service)
    switch (choose(this.#random, EVENTS)) {
      case 'receive':
        return void (await this.#publisher.receive())
      case 'store':
        stream.store(clock.now)
        return this.#syncAsPromised(clock)
      case 'acknowledge':
        stream.acknowledge()
        return await nextTurn()
      case 'confirm':
        return this.#confirm(clock)
      case 'read':
        return void this.#running(service)?.read()
      case 'apply':
        this.#running(service)?.apply()
        return this.#assertWholeTransactions(service)
      case 'sync':
        return stream.sync()
      case 'pass time':
        clock.now += 100
        return this.#syncAsPromised(clock)
      case 'publisher dies':
        return this.#publisherDies(clock)
      case 'consumer dies':
        this.deaths.consumer += 1
        return void this.#consumers.delete(service)
      case 'power fails':
        return this.#powerFails(clock)
    }
  }

  /** Nothing dies any more: all that is written is published, confirmed and applied. */
  async #settle(clock: Clock): Promise<void> {
    while (await this.#publisher.receive()) await this.#answerAll(clock)
    await this.#publisher.flush()
    for (let turns = 0; turns < 10; turns += 1) await this.#answerAll(clock)
    clock.now += 1_000
    this.#syncAsPromised(clock)
    this.#confirm(clock)
    const last = this.monolith.transactions.at(-1)
    if (this.#confirmed !== last?.endLsn) throw new Error('What was published is not confirmed in the end')
    for (const { name } of SET.services) {
      const consumer = this.#consumer(name)
      while (consumer.read()) continue
      consumer.apply()
    }
  }

  async #answerAll(clock: Clock): Promise<void> {
    for (const stream of this.streams.values()) {
      stream.store(clock.now)
      stream.acknowledge()
    }
    await nextTurn()
  }

  /** What the slot is confirmed for it never sends again, so no failure may take it from the log. */
  #confirm(clock: Clock): void {
    this.#syncAsPromised(clock)
    this.#confirmed = this.#publisher.confirmable(clock.now)
    const confirmed = this.monolith.transactions.filter(({ endLsn }) => endLsn <= this.#confirmed)
    for (const { name, entities } of SET.services) {
      const own = new Set(entities.map((entity) => entity.name))
      const expected = confirmed.reduce((sum, { messages }) => sum + changesIn(messages, own), 0)
      assert.ok(
        this.#stream(name).syncedChanges(confirmed.at(-1)?.commitLsn ?? 0n) >= expected,
        `${name} lacks changes`,
      )
    }
  }

  #syncAsPromised(clock: Clock): void {
    for (const stream of this.streams.values()) stream.syncBefore(clock.now - this.#syncMs)
  }

  #publisherDies(clock: Clock): void {
    this.deaths.publisher += 1
    for (const stream of this.streams.values()) stream.lose(this.#random(3), clock.now)
    this.#syncAsPromised(clock)
    this.#publisher = this.#newPublisher()
  }

  /** With it the publisher ends, and each consumer. */
  #powerFails(clock: Clock): void {
    this.deaths.power += 1
    this.#syncAsPromised(clock)
    for (const stream of this.streams.values()) stream.failPower()
    this.#publisher = this.#newPublisher()
    this.#consumers.clear()
  }

  /** One that is down comes back some time, when the log may be another. */
  #running(name: string): SimulatedConsumer | null {
    if (!this.#consumers.has(name) && this.#random(6) > 0) return null
    return this.#consumer(name)
  }

  /** A service holds what the monolith held behind one of its transactions, and nothing between two. */
  #assertWholeTransactions(name: string): void {
    const database = this.databases.get(name)
    const behind = this.monolith.transactions.findLast(({ commitLsn }) => commitLsn <= (database?.position ?? 0n))
    for (const [entity, rows] of database?.rows ?? []) assert.equal(sorted(rows), sorted(behind?.rows.get(entity)))
  }

  #newPublisher(): SimulatedPublisher {
    this.#life += 1
    const of = { confirmed: this.#confirmed, life: this.#life, syncMs: this.#syncMs }
    return new SimulatedPublisher(this.streams, this.monolith.transactions, of)
  }

  #newConsumer(name: string): SimulatedConsumer {
    const service = SET.services.find((each) => each.name === name)
    const database = this.databases.get(name)
    if (service === undefined || database === undefined) throw new Error(`No service ${name}`)
    const consumer = new SimulatedConsumer(service, this.#stream(name), database)
    this.#consumers.set(name, consumer)
    return consumer
  }

  #stream(name: string): SimulatedStream {
    const stream = this.streams.get(name)
    if (stream === undefined) throw new Error(`No stream of ${name}`)
    return stream
  }

  #consumer(name: string): SimulatedConsumer {
    return this.#consumers.get(name) ?? this.#newConsumer(name)
  }
}

/** How many changes of these tables there are. */
function changesIn(messages: readonly PgoutputMessage[], entities: ReadonlySet<string>): number {
  const oids = messages.flatMap((message) =>
    'oids' in message ? message.oids : 'row' in message || 'old' in message ? [message.oid] : [],
  )
  return oids.filter((oid) => entities.has(ROUTES.get(oid)?.entity.name ?? '')).length
}

function sorted(rows: ReadonlyMap<string, string> = new Map()): string[] {
  return [...rows].map(([key, value]) => `${key} ${value}`).toSorted()
}

/** The time that the publisher's senders read, in place of the machine's, until it is left. */
class Clock {
  now = 1
  readonly #real = Date.now

  constructor() {
    Date.now = () => this.now
  }

  leave(): void {
    Date.now = this.#real
  }
}

/** Lets what was promised go on. */
async function nextTurn(): Promise<void> {
  for (let turns = 0; turns < 4; turns += 1) await Promise.resolve()
}
