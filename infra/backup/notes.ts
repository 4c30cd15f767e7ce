import type { LargeObjects } from './manifest.ts'
import type { MonolithFacts } from './read-monolith.ts'

/** What a dump does not hold, or holds in a way of its own, as sentences for the operator and for the manifest. */
export function backupNotes(
  { roles, unlogged, foreignTables, subscriptions, tablespaces }: MonolithFacts,
  { objects }: LargeObjects,
  invalidIndexes: readonly string[],
): string[] {
  return [
    `Roles and their passwords belong to the server and are not in a dump (pg_dumpall --roles-only has them); this one names ${roles.join(', ')}.`,
    ...(unlogged > 0
      ? [`The rows of ${several(unlogged, 'unlogged table')} are in the dump, and come back into unlogged tables.`]
      : []),
    ...(objects > 0 ? [`${several(objects, 'large object')} are in the dump, under the numbers that they have.`] : []),
    ...(foreignTables > 0
      ? [`The rows of ${several(foreignTables, 'foreign table')} lie in other servers and are not in the dump.`]
      : []),
    ...(subscriptions > 0
      ? [
          `${several(subscriptions, 'subscription')} to other servers are in the dump only if the role is a superuser, and come back disabled.`,
        ]
      : []),
    ...(tablespaces.length > 0
      ? [
          `Tablespaces belong to the server: make ${tablespaces.join(', ')} before a restore, or restore with --no-tablespaces.`,
        ]
      : []),
    ...(invalidIndexes.length > 0
      ? [
          `Invalid indexes are not in the dump: ${invalidIndexes.join(', ')} (REINDEX makes them valid, DROP INDEX removes them).`,
        ]
      : []),
  ]
}

function several(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
