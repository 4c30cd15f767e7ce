import { Failure } from '../contracts/failure.ts'
import { codeOf } from '../infra/postgres/session.ts'

/** Why a service's database cannot go on at the moment, though nothing is wrong with what it was asked. */
export type OutageCause = 'away' | 'full' | 'out of memory' | 'read-only' | 'interrupting'

/** A server that did not say anything for too long: its link may be cut where neither side is told. */
export class NoAnswer extends Error {}

/** A session that could not be opened since the server is away; `failure` is what an operator is told of the first one. */
export class Unreachable extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(saidBy(failure.cause), { cause: failure.cause })
    this.failure = failure
  }
}

/**
 * SQLSTATEs of a session or a server that ends, begins, or has no connection left (57P01 to 57P03, 53300), of a broken
 * link (08, but not a protocol that is not spoken), and of time-outs that a pooler or an administrator set.
 * Manual: "PostgreSQL Error Codes".
 */
const AWAY_STATES = /^(08(000|001|003|004|006)|57P0[1235]|25P0[34]|53300)$/

/**
 * Besides: a server that came to be a standby, since its URL may come to lead to another one or it may be promoted; and
 * statements that somebody or something broke off, deadlocks and time-outs that nobody pinned among them.
 */
const STATES: Readonly<Record<string, OutageCause>> = {
  '53100': 'full',
  '53200': 'out of memory',
  '25006': 'read-only',
  '57014': 'interrupting',
  '40001': 'interrupting',
  '40P01': 'interrupting',
  '55P03': 'interrupting',
}

/** What the operating system says of a connection that broke or could not be made. */
const AWAY_CODES =
  /^(ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|ENOTFOUND|EAI_AGAIN)$/

/** What the driver says, which has no codes of its own. */
const AWAY_SENTENCES =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout exp)/

/** @returns null for whatever would come again: a wrong password, a missing right, a row that is refused, a defect. */
export function outageCause(error: unknown): OutageCause | null {
  if (error instanceof NoAnswer || error instanceof Unreachable) return 'away'
  if (error instanceof Failure || !(error instanceof Error)) return null
  const code = codeOf(error)
  if (AWAY_STATES.test(code) || AWAY_CODES.test(code) || AWAY_SENTENCES.test(error.message)) return 'away'
  return STATES[code] ?? null
}

/**
 * Whether a session that could not be opened met a server that said itself that it ends or begins, or that broke the
 * session off after it had let it in: so it is the right one, whatever else is not known of it.
 */
export function isRestarting({ cause }: Unreachable): boolean {
  return cause instanceof Error && (/^57P0[123]$/.test(codeOf(cause)) || cause.message.startsWith('Client '))
}

/** Says once of an outage what it is and what is done about it. */
export function outageNotice(database: string, cause: OutageCause, error: unknown, maxOutageMs: number): string {
  const limit = `up to ${durationText(maxOutageMs)}`
  const said = saidBy(error)
  switch (cause) {
    case 'away':
      return `${capitalised(database)} is away (${said}): waiting for it, ${limit}.`
    case 'full':
      return `The disk of ${database} is full (${said}): make room; waiting for it, ${limit}.`
    case 'out of memory':
      return `The server of ${database} is out of memory (${said}): waiting for it, ${limit}.`
    case 'read-only':
      return `${capitalised(database)} takes no writes (${said}): waiting until it does, ${limit}.`
    case 'interrupting':
      return `A statement was broken off in ${database} (${said}): trying again, ${limit}.`
  }
}

export function returnNotice(database: string): string {
  return `${capitalised(database)} is back: going on from what is stored.`
}

/** @returns the failure with which an outage is given up. */
export function outageFailure(database: string, cause: OutageCause, error: unknown, maxOutageMs: number): Failure {
  const sentences: Readonly<Record<OutageCause, string>> = {
    away: `${capitalised(database)} has been away for ${durationText(maxOutageMs)} (${saidBy(error)}): see that its server runs and can be reached`,
    full: `The disk of ${database} has been full for ${durationText(maxOutageMs)} (${saidBy(error)}): make room`,
    'out of memory': `The server of ${database} has been out of memory for ${durationText(maxOutageMs)} (${saidBy(error)}): give it more`,
    'read-only': `${capitalised(database)} has taken no writes for ${durationText(maxOutageMs)} (${saidBy(error)}): promote it, or give the URL of its primary`,
    interrupting: `Statements have been broken off in ${database} for ${durationText(maxOutageMs)} (${saidBy(error)}): see who, or which time-out, breaks them off`,
  }
  return new Failure(5, `${sentences[cause]}, then run consume again; it goes on from where it was.`, { cause: error })
}

/** @returns the failure for a database that comes back and goes away without anything done in between. */
export function flappingFailure(database: string, error: unknown, outages: number): Failure {
  return new Failure(
    5,
    `${capitalised(database)} went away ${outages} times with nothing done in between (${saidBy(error)}): see its server's log, then run consume again; it goes on from where it was.`,
    { cause: error },
  )
}

function durationText(durationMs: number): string {
  const seconds = Math.round(durationMs / 1_000)
  return seconds >= 60 && seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`
}

function saidBy(error: unknown): string {
  // Where a name has several addresses, Node's error for all of them has a code and no message.
  const said = error instanceof Error ? error.message || codeOf(error) || error.name : String(error)
  return said.replace(/\.$/, '')
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
