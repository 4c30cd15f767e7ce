/**
 * The names of what Scission makes in the monolith. A prefix is of lower case letters, digits and `_`, so that it is
 * allowed in a slot's name, and short enough for both.
 */

/** The replication slot of a prefix. A slot's name is one for the whole server, not for one database. */
export function slotName(prefix: string): string {
  return `scission_${prefix}`
}

/** The publication of a prefix, for exactly the tables of its contract set. */
export function publicationName(prefix: string): string {
  return `scission_${prefix}`
}

/** What the publisher's lock in the monolith is called: while it is held, a publisher of this prefix runs. */
export function publisherLockName(prefix: string): string {
  return `scission publisher ${prefix}`
}

/** What a consumer's lease in its service's database is called: while it is held, a consumer runs there. */
export const CONSUMER_LEASE_NAME = 'scission consumer'
