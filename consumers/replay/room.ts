import { statfs } from 'node:fs/promises'
import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import type { LiveService } from './replay-service.ts'

/** The loading writes a WAL besides, of which the server keeps some. */
const SHARE = 1.1

/**
 * Sees that a second copy of the tables fits where the server's files are, as far as that can be seen: on this machine, and by
 * a role that may read the server's settings. A disk that becomes full is waited for in any case.
 * @throws Failure 4 with both sizes.
 */
export async function assertRoom(client: pg.Client, { database }: LiveService, service: Service): Promise<void> {
  const free = await freeBytes(client)
  if (free === null) return
  const needed = (await bytesOf(client, service)) * SHARE
  if (needed <= free) return
  throw new Failure(4, roomSentence(database.title, service.name, { needed, free }))
}

export function roomSentence(
  database: string,
  service: string,
  { free, needed }: { readonly free: number; readonly needed: number },
): string {
  return `A second copy of the tables takes about ${megabytes(needed)} in ${database}, whose disk has ${megabytes(free)} left: make room, or rebuild the service elsewhere with replay ${service} --into.`
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1_000_000)} MB`
}

async function bytesOf(client: pg.Client, service: Service): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    'SELECT coalesce(sum(pg_total_relation_size(to_regclass(name))), 0)::text AS bytes FROM unnest($1::text[]) AS name',
    [service.entities.map(tableSql)],
  )
  return Number(rows[0]?.bytes ?? 0)
}

/** Null where the server is elsewhere, or does not say where its files are. */
async function freeBytes(client: pg.Client): Promise<number | null> {
  const { rows } = await client.query<{ folder: string }>(
    `SELECT setting AS folder FROM pg_settings
      WHERE name = 'data_directory' AND (inet_server_addr() IS NULL OR inet_server_addr() <<= '127.0.0.0/8'
                                         OR inet_server_addr() = '::1')`,
  )
  const [found] = rows
  if (found === undefined || found.folder === '') return null
  try {
    const { bavail, bsize } = await statfs(found.folder)
    return bavail * bsize
  } catch {
    // A container's, or not for this user to see.
    return null
  }
}
