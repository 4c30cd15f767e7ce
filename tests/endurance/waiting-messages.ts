import { randomUUID } from 'node:crypto'
import type { Entity } from '../../contracts/language/contract-set.ts'
import { lsnText, parseLsn, type Lsn } from '../../contracts/positions.ts'
import { changeSubject, streamName } from '../../contracts/subjects.ts'
import { encodeChange } from '../../contracts/wire/encode-message.ts'
import { EPOCH_HEADER, NUMBER_HEADER } from '../../contracts/wire/headers.ts'
import { shapeHash, shapeOf } from '../../contracts/wire/shape.ts'
import { createByteWindow } from '../../infra/byte-window.ts'
import { withNats } from '../../infra/nats/connect.ts'
import { createWaitOut } from '../../infra/nats/outage.ts'
import { createLogWriter, type LogWriter } from '../../publisher/log-writer.ts'
import set from '../bench/entries-contract.ts'
import { type Entries, ENTRIES } from '../bench/entries.ts'
import { withClient } from '../bench/servers.ts'

export const LEDGER = 'ledger'
export const STREAM = streamName(set.name, LEDGER)

/** Some hundred messages under way keep a broker busy. */
const WINDOW_BYTES = 64 * 1024
const MAX_OUTAGE_MS = 60_000
/** Between two made-up positions. */
const COMMIT_BYTES = 8n

export interface Waiting {
  /** The first number that is not there yet, and how many follow. */
  readonly from: number
  readonly count: number
  readonly signal: AbortSignal
}

/**
 * Commits entries in the monolith, and writes each into the service's log, as a transaction and a message of its own, by
 * the publisher's log writer and the wire format's codec. A publisher would gather what waits into fewer messages, and a
 * million commits of a real monolith would take longer than all the rest.
 */
export async function writeWaitingMessages(natsUrl: string, { source }: Entries, waiting: Waiting): Promise<void> {
  const { count, from, signal } = waiting
  const committed = await commitEntries(source, waiting)
  const [entity] = set.services.flatMap(({ entities }) => entities) as [Entity] // It has one.
  const shape = shapeOf(entity)
  const of = { entity: entity.name, shape: shapeHash(shape), xid: committed.xid, committedAt: Date.now() * 1_000 }
  const subject = changeSubject(set.name, LEDGER, entity.name)
  await withWriter(natsUrl, signal, async (writer, epoch) => {
    for (let number = from; number < from + count; number += 1) {
      signal.throwIfAborted()
      const lsn = lsnText((parseLsn(committed.lsn) + BigInt(number) * COMMIT_BYTES) as Lsn) // A position and a distance.
      const row = [number, number % 1000, number * 7, `entry ${number}`]
      const run = { ...of, lsn, last: true, changes: [[0, 'I', row] as const] }
      const payload = encodeChange({ v: 1, kind: 'change', epoch, runs: [run] }, () => shape.columns)
      await writer.append(subject, payload, `${lsn}/0`)
    }
    await writer.flush()
  })
}

/** @returns a position and a transaction's id behind all that the snapshot shows. */
async function commitEntries(source: string, { count, from }: Waiting): Promise<{ lsn: string; xid: string }> {
  return await withClient(source, async (client) => {
    await client.query(`INSERT INTO "Entry" ${ENTRIES}`, [from, from + count - 1])
    const { rows } = await client.query<{ lsn: string; xid: string }>(
      'SELECT pg_current_wal_insert_lsn()::text AS lsn, pg_current_xact_id()::text AS xid',
    )
    const [row] = rows
    if (row === undefined) throw new Error('It has one row')
    return row
  })
}

async function withWriter(
  url: string,
  signal: AbortSignal,
  use: (writer: LogWriter, epoch: number) => Promise<void>,
): Promise<void> {
  await withNats({ url, credentialsFile: null, caFile: null }, 'endurance', async (connection) => {
    const manager = await connection.jetstreamManager()
    const { created, state } = await manager.streams.info(STREAM)
    const { header } = await manager.streams.getMessage(STREAM, { seq: state.last_seq })
    const epoch = Number(header.get(EPOCH_HEADER))
    const patience = { maxOutageMs: MAX_OUTAGE_MS, notice: () => undefined, signal }
    const writer = createLogWriter({
      ...patience,
      connection,
      stream: STREAM,
      streamCreated: created,
      replicas: 1,
      writerId: randomUUID(),
      traceParent: `00-${'0'.repeat(31)}1-${'0'.repeat(15)}1-00`,
      epoch,
      lastSequence: state.last_seq,
      lastNumber: Number(header.get(NUMBER_HEADER)),
      maxPayloadBytes: connection.info?.max_payload ?? 0,
      window: createByteWindow(WINDOW_BYTES),
      waitOut: createWaitOut(connection, patience),
      failed: () => undefined,
    })
    await use(writer, epoch)
  })
}
