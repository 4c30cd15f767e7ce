import { setTimeout as delay } from 'node:timers/promises'
import type { NatsConnection } from 'nats'
import type { Client } from 'pg'
import { Failure } from '../../../contracts/failure.ts'
import { quoteLiteral } from '../../../contracts/language/quoting.ts'
import { type Lsn, parseLsn, parseStreamSequence } from '../../../contracts/positions.ts'
import { changeSubjects, streamName } from '../../../contracts/subjects.ts'
import { decodeMessage } from '../../../contracts/wire/decode-message.ts'
import type { Message } from '../../../contracts/wire/message.ts'
import { PartAssembler } from '../../../contracts/wire/parts.ts'
import { endVerification, readVerification } from '../../following/verification-request.ts'
import { readLog } from '../../nats/read-log.ts'
import type { PostgresTarget } from '../../postgres/session.ts'
import { isConsumed } from '../../service-database/is-consumed.ts'
import { lastMessage } from '../last-message.ts'
import { withStoppableSession } from '../stoppable-session.ts'

export interface ServicePlace {
  readonly connection: NatsConnection
  readonly prefix: string
  readonly service: string
  readonly database: PostgresTarget
  /** The verification's request in the service's database. */
  readonly id: string
  readonly point: Lsn
  /** Whether a publisher follows, so that a consumer that runs comes to the request. */
  readonly isFollowed: boolean
  readonly signal: AbortSignal | undefined
}

/** A consumer that follows is at the point in a moment, unless it has much to apply. */
const SHOWN_LIMIT_MS = 60_000
const LOOK_MS = 50

/**
 * Runs an action in a transaction that sees a service's database as of the point: by the snapshot that its consumer shows,
 * or by one of our own, where the log has nothing that is missing from it.
 * @throws Failure 5 where the service is behind.
 */
export async function withServicePoint<Result>(
  place: ServicePlace,
  action: (client: Client) => Promise<Result>,
): Promise<Result> {
  const { database, id, service, signal } = place
  return await withStoppableSession(database, `verify ${service}`, signal, async (client) => {
    const deadline = Date.now() + SHOWN_LIMIT_MS
    for (;;) {
      const request = await readVerification(client, id)
      if (request?.snapshot != null) return await inShown(place, client, request.snapshot, action)
      const isWaitedFor = await isConsumed(client)
      if (!place.isFollowed || !isWaitedFor) {
        const shown = await inOwn(place, client, action)
        if (shown.isThere) return shown.result
        if (!isWaitedFor) throw behind(place, shown.why)
      }
      if (Date.now() > deadline) throw behind(place, `has not come to the point in ${SHOWN_LIMIT_MS / 1000} s`)
      await delay(LOOK_MS, undefined, signal && { signal })
    }
  })
}

async function inShown<Result>(
  place: ServicePlace,
  client: Client,
  snapshot: string,
  action: (client: Client) => Promise<Result>,
): Promise<Result> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  await client.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(snapshot)}`)
  await withStoppableSession(place.database, `verify ${place.service}`, place.signal, async (other) => {
    await endVerification(other, place.id)
  })
  return await action(client)
}

type Shown<Result> =
  | { readonly isThere: true; readonly result: Result }
  | { readonly isThere: false; readonly why: string }

async function inOwn<Result>(
  place: ServicePlace,
  client: Client,
  action: (client: Client) => Promise<Result>,
): Promise<Shown<Result>> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  const { rows } = await client.query<{ lsn: string | null; sequence: string }>(
    'SELECT lsn::text, stream_sequence::text AS sequence FROM scission.checkpoint',
  )
  const applied = rows[0]?.lsn == null ? null : parseLsn(rows[0].lsn)
  const isPast = applied !== null && applied >= place.point
  const missing = await firstMissing(place, applied, Number(rows[0]?.sequence ?? 0) + 1)
  if (!isPast && missing === null) return { isThere: true, result: await action(client) }
  await client.query('ROLLBACK')
  return { isThere: false, why: isPast ? 'went past the point meanwhile' : `has not applied the changes of ${missing}` }
}

/** The first position before the point whose changes the log has and the service has not; null where there is none. */
async function firstMissing(place: ServicePlace, applied: Lsn | null, from: number): Promise<string | null> {
  const { connection, prefix, service, signal } = place
  const stream = streamName(prefix, service)
  const subject = changeSubjects(prefix, service)
  const last = await lastMessage(await connection.jetstreamManager(), stream, subject)
  if (last === null || last.seq < from) return null
  const parts = new PartAssembler()
  const options = { from: parseStreamSequence(from), subjects: [subject], ...(signal && { signal }) }
  for await (const item of readLog(connection, stream, options)) {
    if (item.kind === 'idle') continue
    const message = wholeMessage(parts, item.sequence, decodeMessage(item.payload))
    const runs = message?.kind === 'change' ? message.runs : []
    const missing = runs.find(({ lsn }) => parseLsn(lsn) < place.point && parseLsn(lsn) > (applied ?? 0n))
    if (missing !== undefined) return missing.lsn
    if (item.sequence >= last.seq || runs.some(({ lsn }) => parseLsn(lsn) >= place.point)) return null
  }
  return null
}

function wholeMessage(parts: PartAssembler, sequence: number, message: Message): Message | null {
  if (message.kind !== 'part') return message
  const whole = parts.accept(sequence, message)
  return whole === null ? null : decodeMessage(whole)
}

function behind({ service }: ServicePlace, how: string): Failure {
  return new Failure(
    5,
    `Service ${service} ${how}: it is behind, which is no difference; let consume catch up, then run verify again.`,
  )
}
