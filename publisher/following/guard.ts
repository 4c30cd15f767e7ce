import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import { streamName } from '../../contracts/subjects.ts'

/** How far each service's stream held what the slot was confirmed for, by the service's name: sequences of the stream. */
export type GuardedPlaces = ReadonlyMap<string, number>

/** What a stream is found with as a run begins. */
export interface FoundStream {
  readonly service: string
  readonly lastSequence: number
}

/**
 * Sees that no stream has lost what the slot was confirmed for: a broker that came back with an older store is filled
 * again from the WAL as long as the slot still has it, and not beyond.
 * @throws Failure 4 where it has lost more.
 */
export function judgeGuard(prefix: string, guarded: GuardedPlaces, found: readonly FoundStream[]): void {
  for (const { service, lastSequence } of found) {
    const sequence = guarded.get(service) ?? 0
    if (lastSequence >= sequence) continue
    throw new Failure(
      4,
      `Stream ${streamName(prefix, service)} ends at message ${lastSequence}, and message ${sequence} was stored before, whose changes the monolith's WAL does not have any more: the broker came back with an older store; put the stream back from a copy, or begin anew with publish --new-epoch.`,
    )
  }
}

/**
 * Writes it into the monolith, outside of the broker, behind what the streams hold and before the slot is confirmed for
 * it. A place never goes back within an epoch.
 */
export async function writeGuard(
  client: pg.Client,
  prefix: string,
  epoch: number,
  places: GuardedPlaces,
): Promise<void> {
  if (places.size === 0) return
  await client.query(
    `INSERT INTO scission.guard AS own (prefix, service, epoch, sequence)
     SELECT $1, service, $2, sequence FROM unnest($3::text[], $4::bigint[]) AS t (service, sequence)
     ON CONFLICT (prefix, service) DO UPDATE SET epoch = excluded.epoch, sequence =
       CASE WHEN own.epoch = excluded.epoch THEN greatest(own.sequence, excluded.sequence) ELSE excluded.sequence END`,
    [prefix, epoch, [...places.keys()], [...places.values()]],
  )
}

/** What the guard of this epoch says; it makes the place for it. */
export async function readGuard(client: pg.Client, prefix: string, epoch: number): Promise<GuardedPlaces> {
  await client.query(
    `CREATE TABLE IF NOT EXISTS scission.guard
       (prefix text, service text, epoch bigint NOT NULL, sequence bigint NOT NULL, PRIMARY KEY (prefix, service))`,
  )
  const { rows } = await client.query<{ service: string; sequence: string }>(
    'SELECT service, sequence::text FROM scission.guard WHERE prefix = $1 AND epoch = $2',
    [prefix, epoch],
  )
  return new Map(rows.map(({ service, sequence }) => [service, Number(sequence)]))
}
