/** By it logical messages of Scission's are known in the monolith's WAL. Manual: "pg_logical_emit_message()". */
export const MARKER_PREFIX = 'scission'

const MARKER = /^([a-z][a-z0-9_]*) marker (.+)$/su

/** What a marker's logical message says: two deployments may follow one monolith, and each has markers of its own. */
export function markerText(prefix: string, name: string): string {
  return `${prefix} marker ${name}`
}

/** The name of a marker of this deployment; null where the message is something else. */
export function markerName(prefix: string, text: string): string | null {
  const [, of, name] = MARKER.exec(text) ?? []
  return of === prefix && name !== undefined ? name : null
}
