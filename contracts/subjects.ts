/**
 * The names in the log: a stream a service, and in it a subject for each kind of message.
 * The prefix separates deployments that share a NATS; it is the contract set's name unless it is configured.
 */

/** What a prefix may be: upper-cased it begins each stream's name, and a dot would make more tokens of it. */
export const PREFIX_PATTERN = /^[a-z][a-z0-9_]{0,30}$/

/** Stands in an entity's place where a change message holds several entities; escaping never produces it. */
export const SEVERAL_ENTITIES = '~'

export type ControlKind = 'epoch' | 'contract' | 'attempt' | 'chunk' | 'complete' | 'manifest' | 'marker'

/**
 * The stream of a service, for example `ARCHIMODELER_IAM`. Prefix `a_b` with service `c` and prefix `a` with service
 * `b_c` would meet; the subjects then differ, and `prepare` refuses a stream that holds other subjects than its own.
 */
export function streamName(prefix: string, service: string): string {
  return `${prefix}_${service}`.toUpperCase()
}

/** Every subject of a service's stream, as the stream's configuration has it. */
export function serviceSubjects(prefix: string, service: string): string {
  return `${prefix}.${service}.>`
}

export function snapshotSubject(prefix: string, service: string, entity: string): string {
  return `${prefix}.${service}.snapshot.${subjectToken(entity)}`
}

/** Whether a message on a service's subject is a page, or a part of one. */
export function isSnapshotSubject(subject: string): boolean {
  return subject.split('.')[2] === 'snapshot'
}

export function changeSubject(prefix: string, service: string, entity: string): string {
  return `${prefix}.${service}.change.${subjectToken(entity)}`
}

/** Where a change message holds several entities. */
export function severalChangesSubject(prefix: string, service: string): string {
  return `${prefix}.${service}.change.${SEVERAL_ENTITIES}`
}

/** All change messages of a service, of whatever entities. */
export function changeSubjects(prefix: string, service: string): string {
  return `${prefix}.${service}.change.>`
}

export function controlSubject(prefix: string, service: string, kind: ControlKind): string {
  return `${prefix}.${service}.control.${kind}`
}

/**
 * An entity's name as one subject token: each byte of its UTF-8 that is not a letter, a digit, `_` or `-` becomes `%`
 * and two hexadecimal digits, as in a URL, so that no two names share a token and any URL library reads it back.
 */
export function subjectToken(name: string): string {
  let token = ''
  for (const byte of Buffer.from(name)) {
    const character = String.fromCharCode(byte)
    token += /[A-Za-z0-9_-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return token
}
