import type { ConsumeOptions } from '../../../consumers/consume.ts'
import { writeSmallSnapshot } from '../complete-snapshot.ts'
import { until } from '../waiting-consumer.ts'
import { failureOf, type TestService } from '../with-service.ts'
import { inTime } from '../../publisher/with-log.ts'
import { run, send } from './changes.ts'

/** A consumer that follows a hand-written log. */
export interface Follower {
  /** The failure with which it ends by itself. */
  refusal(): ReturnType<typeof failureOf>
  /** Ends it as Ctrl-C does, and returns when it has ended. */
  interrupt(): Promise<void>
}

const LIMIT_MS = 20_000

export async function load(service: TestService): Promise<void> {
  await writeSmallSnapshot(service.log)
  await service.consume()
}

/** A role that owns the service's tables may not pass over them, and is refused while they are there. */
export const DROP_FOREIGN_KEYS =
  'ALTER TABLE "Order" DROP CONSTRAINT "Order_customerId_fkey", DROP CONSTRAINT "Order_previous_fkey"'

export async function withFollower(
  service: TestService,
  use: (follower: Follower) => Promise<void>,
  options: Partial<ConsumeOptions> = {},
): Promise<void> {
  const abort = new AbortController()
  const told = service.events.length
  const consuming = service.consume({ maxWaitMs: LIMIT_MS, ...options, untilCaughtUp: false, signal: abort.signal })
  const interrupt = async (): Promise<void> => {
    abort.abort()
    await consuming.catch(() => undefined)
  }
  const following = until(
    async () =>
      service.events.slice(told).some((event) => event.type === 'phase-entered' && event.phase === 'following'),
    LIMIT_MS,
  )
  try {
    await Promise.race([following, consuming])
    await use({ refusal: async () => await inTime(LIMIT_MS, failureOf(consuming)), interrupt })
  } finally {
    await interrupt()
  }
}

/** The position of the transaction of this number. */
export function lsnOf(number: number): string {
  return `0/${(0x1000 + number * 0x10).toString(16).toUpperCase()}`
}

/** A transaction: two customers of this number come with one note, and customer 10 has it from then on. */
export async function sendTransaction({ log }: TestService, number: number): Promise<void> {
  const [note, id] = [`note ${number}`, number * 1_000]
  await send(
    log,
    run(
      [
        [0, 'I', [id, `first ${number}`, note]],
        [1, 'I', [id + 1, `second ${number}`, note]],
        [2, 'U', [10, 'customer 10', note], null],
      ],
      { lsn: lsnOf(number) },
    ),
  )
}

export async function untilApplied(service: TestService, number: number): Promise<void> {
  await until(async () => (await positionOf(service)) === lsnOf(number), LIMIT_MS)
}

export async function positionOf({ sql }: TestService): Promise<string | undefined> {
  return (await sql('SELECT lsn FROM scission.checkpoint'))[0]
}

/** All customers as they must be when these transactions are applied, each once. */
export function customersAfter(numbers: readonly number[]): string[] {
  const old = Array.from({ length: 9 }, (_, index) => `${index + 1}|customer ${index + 1}|`)
  const last = numbers.at(-1)
  return [
    ...old,
    `10|customer 10|${last === undefined ? '' : `note ${last}`}`,
    ...numbers.flatMap((number) => [
      `${number * 1_000}|first ${number}|note ${number}`,
      `${number * 1_000 + 1}|second ${number}|note ${number}`,
    ]),
  ]
}

export async function customersOf({ sql }: TestService): Promise<string[]> {
  return await sql('SELECT id, name, note FROM "Customer" ORDER BY id')
}
