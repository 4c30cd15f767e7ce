import type { JetStreamManager } from 'nats'
import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import { streamName } from '../../contracts/subjects.ts'
import { apiCode, NO_MESSAGE, NO_STREAM } from '../../infra/nats/api-code.ts'
import { readStream } from '../../infra/nats/stream-leader.ts'
import { type PostgresTarget, withSession } from '../../infra/postgres/session.ts'
import { hasStateTable } from '../../infra/service-database/has-state-table.ts'
import { isConsumed } from '../../infra/service-database/is-consumed.ts'
import { type ParkedState, readParked } from '../../infra/service-database/read-parked.ts'
import type { Phase } from '../../infra/service-database/state-ddl.ts'
import { SAMPLES } from '../service-state.ts'

/** How far a service is behind its log. The checkpoint's hint tells it, which a consumer writes every second. */
export interface ServiceLag extends ParkedState {
  readonly service: string
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
  /** How long the first message that is not applied has been in the stream; 0 where all is applied. */
  readonly seconds: number
}

export interface LagSource {
  readonly manager: JetStreamManager
  readonly prefix: string
  readonly service: string
  readonly database: PostgresTarget
}

/** @throws Failure 4 where the service's database is not prepared, or there is no stream. */
export async function readServiceLag({ manager, prefix, service, database }: LagSource): Promise<ServiceLag> {
  const checkpoint = await withSession(database, { purpose: `lag ${service}` }, async (client) => ({
    ...(await readCheckpoint(client, service)),
    isConsumed: await isConsumed(client),
    ...(await readParked(client)),
    messagesPerSecond: await readRate(client),
  }))
  const stream = streamName(prefix, service)
  const { state, ts } = await readStream(manager, stream).catch((cause: unknown) => {
    if (apiCode(cause) !== NO_STREAM) throw cause
    throw new Failure(4, `There is no stream ${stream}: run prepare first.`, { cause })
  })
  const messages = Math.max(0, state.last_seq - checkpoint.streamSequence)
  const since = messages === 0 ? null : await storedAt(manager, stream, checkpoint.streamSequence + 1)
  return {
    service,
    ...checkpoint,
    lastSequence: state.last_seq,
    messages,
    bytes: state.messages === 0 ? 0 : Math.round((state.bytes / state.messages) * messages),
    seconds: since === null ? 0 : Math.max(0, (Date.parse(ts ?? new Date().toISOString()) - since) / 1000),
  }
}

async function readCheckpoint(
  client: pg.Client,
  service: string,
): Promise<Pick<ServiceLag, 'epoch' | 'phase' | 'position' | 'streamSequence'>> {
  const { rows } = (await hasStateTable(client, 'checkpoint'))
    ? await client.query<{ epoch: string; phase: Phase; lsn: string | null; sequence: string }>(
        'SELECT epoch::text, phase, lsn::text, stream_sequence::text AS sequence FROM scission.checkpoint',
      )
    : { rows: [] }
  const [row] = rows
  if (row === undefined) throw new Failure(4, `The database of service ${service} is not prepared: run prepare first.`)
  return { epoch: Number(row.epoch), phase: row.phase, position: row.lsn, streamSequence: Number(row.sequence) }
}

/** A database that an earlier release prepared has no samples. */
async function readRate(client: pg.Client): Promise<number> {
  if (!(await hasStateTable(client, 'sample'))) return 0
  const { rows } = await client.query<{ rate: string | null }>(
    `SELECT ((max(stream_sequence) - min(stream_sequence))
              / nullif(extract(epoch FROM clock_timestamp() - min(sampled_at)), 0))::text AS rate
       FROM scission.sample WHERE sampled_at > clock_timestamp() - make_interval(secs => $1)`,
    [SAMPLES],
  )
  return Number(rows[0]?.rate ?? 0)
}

async function storedAt(manager: JetStreamManager, stream: string, sequence: number): Promise<number | null> {
  try {
    return (await manager.streams.getMessage(stream, { seq: sequence })).time.getTime()
  } catch (error) {
    if (apiCode(error) === NO_MESSAGE) return null
    throw error
  }
}
