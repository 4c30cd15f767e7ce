import type { Client } from 'pg'
import type { Digest } from '../../contracts/digest.ts'
import { atMost } from '../verify/at-most.ts'
import type { LargeObjects } from './manifest.ts'
import { readLargeObjects } from './read-large-objects.ts'
import { type BackupTable, readDigest } from './read-tables.ts'
import { isLockTimeout } from './snapshot.ts'

export interface Digests {
  /** In the order of the tables. */
  readonly tables: readonly Digest[]
  readonly largeObjects: LargeObjects
}

/**
 * Reads the digests of all tables, one table at a time in each session. Each session must be in a transaction of its own;
 * the first is the one that has the tables locked, and reads what another cannot, since a migration waits for the table.
 */
export async function readDigests(
  clients: readonly [Client, ...Client[]],
  tables: readonly BackupTable[],
  move: (done: { readonly tables: number; readonly ofTables: number }) => void,
): Promise<Digests> {
  const [holder] = clients
  const idle = [...clients]
  let done = 0
  const digests = await atMost(clients.length, tables, async (table) => {
    const client = idle.pop()
    if (client === undefined) throw new Error('More tables are read than there are sessions')
    const digest = await readUnlessLocked(client, table)
    idle.push(client)
    done += digest === null ? 0 : 1
    move({ tables: done, ofTables: tables.length })
    return digest
  })
  const all: Digest[] = []
  for (const [place, table] of tables.entries()) all.push(digests[place] ?? (await readDigest(holder, table)))
  return { tables: all, largeObjects: await readLargeObjects(holder) }
}

/** Going back to the savepoint gives the locks back that the reading took, on the table's indexes too. */
async function readUnlessLocked(client: Client, table: BackupTable): Promise<Digest | null> {
  await client.query('SAVEPOINT before_table')
  try {
    return await readDigest(client, table)
  } catch (error) {
    if (isLockTimeout(error)) return null
    throw error
  } finally {
    // Where the session itself is gone the first error is the one that tells.
    await client.query('ROLLBACK TO SAVEPOINT before_table; RELEASE SAVEPOINT before_table').catch(() => undefined)
  }
}
