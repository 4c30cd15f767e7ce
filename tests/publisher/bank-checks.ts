import { createHash } from 'node:crypto'
import type { StreamAPI } from 'nats'
import * as assert from 'uvu/assert'
import { streamName } from '../../contracts/subjects.ts'
import { type NatsTarget, withNats } from '../../infra/nats/connect.ts'
import type { Bank } from './with-bank.ts'

async function withStreams<Result>(nats: NatsTarget, use: (streams: StreamAPI) => Promise<Result>): Promise<Result> {
  return await withNats(nats, 'test', async (connection) => await use((await connection.jetstreamManager()).streams))
}

/** A stream's part in the name of the log for which a slot is put on record. */
export async function logName({ dependencies: { nats, prefix } }: Bank): Promise<string> {
  const stream = streamName(prefix, 'vault')
  return await withStreams(nats, async (streams) => `${stream} created ${(await streams.info(stream)).created}`)
}

export async function updateStream(
  { dependencies: { nats, prefix } }: Bank,
  service: string,
  change: object,
): Promise<void> {
  const stream = streamName(prefix, service)
  await withStreams(nats, async (streams) => {
    await streams.update(stream, { ...(await streams.info(stream)).config, ...change })
  })
}

export async function removeMessage(
  { dependencies: { nats, prefix } }: Bank,
  service: string,
  sequence: number,
): Promise<void> {
  await withStreams(nats, async (streams) => {
    await streams.deleteMessage(streamName(prefix, service), sequence)
  })
}

/** A table's rows as the log's are compared. */
export async function bankRows({ client }: Bank, table: string): Promise<string[]> {
  const { rows } = await client.query<{ row: string }>(
    `SELECT concat(id, '|', amount, '|', note) AS row FROM "${table}"`,
  )
  return rows.map(({ row }) => row).sort()
}

/**
 * The services hold what the monolith holds, in one attempt that is closed, of this epoch.
 * @param expected what a table held when it was read, where that was earlier.
 */
export async function assertWhole(
  bank: Bank,
  epoch: number,
  expected: Readonly<Record<string, readonly string[]>> = {},
): Promise<void> {
  for (const [service, table] of [
    ['vault', 'Account'],
    ['wallet', 'Purse'],
  ] as const) {
    const content = await bank.read(service)
    const rows = expected[table] ?? (await bankRows(bank, table))
    // Compared as digests first: nobody reads the difference of two large tables.
    const [found, wanted] = [content.rows(table).sort(), rows]
    assert.equal([found.length, rowsDigest(found)], [wanted.length, rowsDigest(wanted)], table)
    const totals = content.manifest?.entities.find(({ entity }) => entity === table)
    const last = content.controls.at(-1)
    assert.equal([last?.control, last?.epoch, content.manifest?.epoch], ['manifest', epoch, epoch])
    const pages = content.pages.filter((page) => page.epoch === epoch && page.attempt === totals?.attempt)
    assert.is(pages.filter((page) => page.entity === table).length, totals?.pages)
    assert.is(totals?.rows, rows.length)
  }
  const consistency = await Promise.all(['vault', 'wallet'].map(async (name) => (await bank.read(name)).manifest))
  assert.is(consistency[0]?.consistencyPoint, consistency[1]?.consistencyPoint)
  assert.is(consistency[0]?.snapshot, consistency[1]?.snapshot)
}

function rowsDigest(rows: readonly string[]): string {
  return createHash('sha256').update(rows.join('\n')).digest('hex')
}

/** The slot, if it is there. */
export async function slotOf({ client, slot }: Bank): Promise<{ confirmed: string; active: boolean } | undefined> {
  const { rows } = await client.query<{ confirmed: string; active: boolean }>(
    'SELECT confirmed_flush_lsn::text AS confirmed, active FROM pg_replication_slots WHERE slot_name = $1',
    [slot],
  )
  return rows[0]
}

export async function slotPoint({ client, slot }: Bank): Promise<string | undefined> {
  const { rows } = await client.query<{ point: string }>(
    'SELECT confirmed_flush_lsn::text AS point FROM pg_replication_slots WHERE slot_name = $1',
    [slot],
  )
  return rows[0]?.point
}
