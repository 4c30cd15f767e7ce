import { ErrorCode, type JetStreamManager, NatsError, type NatsConnection } from 'nats'
import { streamName } from '../../contracts/subjects.ts'
import { isOutage } from '../nats/outage.ts'
import { LeaderAlone } from '../nats/stream-leader.ts'
import { readStreamConfig } from '../nats/ensure-stream.ts'
import type { ExistingStreamConfig } from '../nats/stream-settings.ts'
import type { LogState } from './context.ts'
import type { Deployment } from './deployment.ts'

/** Reads what the checks need of NATS: the account, our streams, and whoever else has subjects under our prefix. */
export async function observeLog(connection: NatsConnection, { prefix, services }: Deployment): Promise<LogState> {
  const manager = await connection.jetstreamManager()
  const streams = new Map<string, ExistingStreamConfig>()
  for (const { service } of services) {
    const config = await readStreamConfig(manager, streamName(prefix, service.name))
    if (config !== null) streams.set(service.name, config)
  }
  return {
    connection,
    maxPayloadBytes: connection.info?.max_payload ?? 0,
    clustered: connection.info?.cluster !== undefined,
    account: await manager.getAccountInfo(),
    streams,
    neighbours: await readNeighbours(manager, prefix),
  }
}

async function readNeighbours(manager: JetStreamManager, prefix: string): Promise<LogState['neighbours']> {
  const neighbours: LogState['neighbours'][number][] = []
  for await (const { config } of manager.streams.list(`${prefix}.>`))
    neighbours.push({ name: config.name, subjects: config.subjects ?? [] })
  return neighbours
}

/** Whether the broker let us in and has no answer now: a cluster without a leader, for example. */
export function isAway(error: unknown): boolean {
  if (error instanceof LeaderAlone) return true
  if (!(error instanceof NatsError) || !isOutage(error)) return false
  // That nobody is there to answer is what an account without JetStream is told.
  return error.api_error !== undefined || error.code !== ErrorCode.NoResponders.valueOf()
}

/** What keeps a connection's user from JetStream, as a sentence; null for an error that is no answer of the server's. */
export function jetStreamRefusal(error: unknown): string | null {
  if (!(error instanceof NatsError)) return null
  const said = error.api_error?.description ?? error.message
  return `JetStream cannot be used by this account: ${said}.`
}
