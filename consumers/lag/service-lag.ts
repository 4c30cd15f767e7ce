import type { JetStreamManager } from 'nats'
import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import { controlSubject, streamName } from '../../contracts/subjects.ts'
import { decodeMessage } from '../../contracts/wire/decode-message.ts'
import type { Age } from '../../infra/following/log-lag.ts'
import { apiCode, NO_MESSAGE, NO_STREAM } from '../../infra/nats/api-code.ts'
import { readStream } from '../../infra/nats/stream-leader.ts'
import type { UseSession } from '../../infra/postgres/kept-sessions.ts'
import type { PostgresTarget } from '../../infra/postgres/session.ts'
import { hasStateTable } from '../../infra/service-database/has-state-table.ts'
import { isConsumed } from '../../infra/service-database/is-consumed.ts'
import { type ParkedState, readParked } from '../../infra/service-database/read-parked.ts'
import { type Phase, STATE_VERSION } from '../../infra/service-database/state-ddl.ts'
import { bornAt, type HopLag, hopsOf, readTo } from './hops.ts'
import { type ConsumerStatus, judgeConsumer, type Sample } from './judge-consumer.ts'
import { paceOf, secondsUntil } from './pace.ts'

/** How far a service is behind its log. The checkpoint's hint tells it, which a consumer writes every second. */
export interface ServiceLag extends ParkedState {
  readonly service: string
  readonly status: ConsumerStatus
  readonly isConsumed: boolean
  readonly epoch: number
  readonly phase: Phase
  /** Where the commit record of the last transaction begins that is applied; null before the first. */
  readonly position: string | null
  /** The message up to which all is applied, and the stream's last one. */
  readonly streamSequence: number
  readonly lastSequence: number
  readonly messages: number
  /** How many messages it has applied in a second, over the last seconds. */
  readonly messagesPerSecond: number
  /** Of the stream's messages that are not applied, measured by its mean message. */
  readonly bytes: number
  readonly hops: HopLag
  /** When all that the stream has now is applied, at the present pace; null where it comes no nearer. */
  readonly secondsLeft: number | null
  readonly loading: LoadingProgress
}

/** What of the snapshot a service holds. */
export interface LoadingProgress {
  readonly rows: number
  /** Null as long as the publisher has not read all tables. */
  readonly expectedRows: number | null
  /** Over the last seconds. */
  readonly rowsPerSecond: number
}

export interface LagSource {
  readonly manager: JetStreamManager
  readonly prefix: string
  readonly service: string
  readonly database: PostgresTarget
  readonly use: UseSession
}

/** What is known of the monolith. */
export interface MonolithClock {
  /** How old the oldest change is that is not in the log. */
  readonly toLog: Age
  /** In milliseconds since 1970: commits are told by it. */
  readonly now: () => number
}

/** @throws Failure 4 where the service's database is not prepared, or there is no stream. */
export async function readServiceLag(
  { manager, prefix, service, database, use }: LagSource,
  { now, toLog }: MonolithClock,
): Promise<ServiceLag> {
  const { samples, ...standing } = await use(database, { purpose: `lag ${service}` }, async (client) => ({
    ...(await readCheckpoint(client, service)),
    isConsumed: await isConsumed(client),
    ...(await readParked(client)),
    samples: await readSamples(client),
  }))
  const stream = streamName(prefix, service)
  const { state } = await readStream(manager, stream).catch((cause: unknown) => {
    if (apiCode(cause) !== NO_STREAM) throw cause
    throw new Failure(4, `There is no stream ${stream}: run prepare first.`, { cause })
  })
  const messages = Math.max(0, state.last_seq - standing.streamSequence)
  const secondsBehind = async (sequence: number): Promise<number> => {
    const bornMs = sequence >= state.last_seq ? null : await bornAt(manager, stream, sequence + 1)
    return bornMs === null ? 0 : Math.max(0, (now() - bornMs) / 1_000)
  }
  const unread = await secondsBehind(readTo(standing.streamSequence, standing.isConsumed, samples))
  const unapplied = await secondsBehind(standing.streamSequence)
  const { rows, ...checkpoint } = standing
  const pace = paceOf(samples)
  const expectedRows = await readExpectedRows(manager, prefix, service, standing.epoch)
  return {
    service,
    status: judgeConsumer({ ...standing, isBuilding: standing.phase === 'indexing', messages, samples }),
    ...checkpoint,
    lastSequence: state.last_seq,
    messages,
    messagesPerSecond: pace.messagesPerSecond,
    bytes: state.messages === 0 ? 0 : Math.round((state.bytes / state.messages) * messages),
    hops: hopsOf(toLog, unread, unapplied),
    secondsLeft: secondsUntil(messages, pace.catchingUpPerSecond),
    loading: { rows, expectedRows, rowsPerSecond: pace.rowsPerSecond },
  }
}

type Standing = Pick<ServiceLag, 'epoch' | 'phase' | 'position' | 'streamSequence'> & { readonly rows: number }

async function readCheckpoint(client: pg.Client, service: string): Promise<Standing> {
  const version = (await hasStateTable(client, 'checkpoint')) ? await readVersion(client) : null
  if (version === null) throw new Failure(4, `The database of service ${service} is not prepared: run prepare first.`)
  if (version !== STATE_VERSION)
    throw new Failure(
      4,
      `The database of service ${service} holds Scission's state of version ${version}, and this release needs ${STATE_VERSION}: use the release that prepared it.`,
    )
  const { rows } = await client.query<{
    epoch: string
    phase: Phase
    lsn: string | null
    sequence: string
    rows: string
  }>(
    `SELECT checkpoint.epoch::text, phase, lsn::text, stream_sequence::text AS sequence,
            (SELECT coalesce(sum(ledger.rows), 0)::text FROM scission.ledger JOIN scission.entity USING (entity, epoch, attempt)
              WHERE ledger.epoch = checkpoint.epoch) AS rows
       FROM scission.checkpoint`,
  )
  const [row] = rows
  if (row === undefined) throw new Error('A checkpoint was there a moment ago')
  const { epoch, lsn: position, phase, sequence } = row
  return { epoch: Number(epoch), phase, position, streamSequence: Number(sequence), rows: Number(row.rows) }
}

async function readVersion(client: pg.Client): Promise<number | null> {
  const { rows } = await client.query<{ version: string }>(
    'SELECT state_version::text AS version FROM scission.checkpoint',
  )
  return rows[0] === undefined ? null : Number(rows[0].version)
}

/** The oldest first. */
async function readSamples(client: pg.Client): Promise<Sample[]> {
  const { rows } = await client.query<Record<'age' | 'applied' | 'read' | 'last', string> & { loaded: string | null }>(
    `SELECT (extract(epoch FROM clock_timestamp() - sampled_at) * 1000)::float8::text AS age, stream_sequence::text AS applied,
            read_sequence::text AS read, last_sequence::text AS last, loaded_rows::text AS loaded
       FROM scission.sample ORDER BY sampled_at`,
  )
  return rows.map(({ age, applied, last, loaded, read }) => ({
    ageMs: Number(age),
    applied: Number(applied),
    read: Number(read),
    last: Number(last),
    loadedRows: loaded === null ? null : Number(loaded),
  }))
}

/** The manifest counts them; of an earlier epoch it tells nothing. */
async function readExpectedRows(
  manager: JetStreamManager,
  prefix: string,
  service: string,
  epoch: number,
): Promise<number | null> {
  try {
    const subject = controlSubject(prefix, service, 'manifest')
    const { data } = await manager.streams.getMessage(streamName(prefix, service), { last_by_subj: subject })
    const message = decodeMessage(data)
    if (message.kind !== 'control' || message.control !== 'manifest' || message.epoch !== epoch) return null
    return message.entities.reduce((sum, { rows }) => sum + rows, 0)
  } catch (error) {
    if (apiCode(error) === NO_MESSAGE) return null
    throw error
  }
}
