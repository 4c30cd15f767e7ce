import { NatsError } from 'nats'
import pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import { brokerFailure, type NatsTarget } from '../infra/nats/connect.ts'

/** What the sentences name. */
export interface Places {
  readonly nats: NatsTarget
  /** For example `the database of service iam`. */
  readonly database: string
}

const WAY_OUT = 'run consume again; it goes on from where it was'

/**
 * Puts what a driver threw into an operator's words. What is loaded is stored, and the next run goes on from there,
 * whatever it was. Anything else is a defect of ours and stays as it is.
 */
export function operatorFailure(error: unknown, places: Places): unknown {
  if (error instanceof Failure) return error
  if (error instanceof NatsError) return brokerFailure(places.nats, error, WAY_OUT)
  if (error instanceof pg.DatabaseError) return databaseFailure(error, places)
  return error
}

/** SQLSTATEs, or their classes, with what they ask the operator for. Manual: "PostgreSQL Error Codes". */
const CURES: readonly (readonly [state: string, exitCode: 1 | 4, cure: string])[] = [
  ['42501', 4, "use a role that owns the service's tables"],
  ['25006', 4, 'give the URL of its primary'],
  ['53', 1, 'make room for it'],
  ['40', 1, 'another session was in the way, and let go'],
  ['55P03', 1, 'another session was in the way: let it end'],
  ['42', 4, 'compare it with the contract (preflight)'],
]

function databaseFailure(error: pg.DatabaseError, { database }: Places): Failure {
  const state = error.code ?? ''
  const [, exitCode, cure] = CURES.find(([prefix]) => state.startsWith(prefix)) ?? ['', 1, 'put that right']
  return new Failure(
    exitCode,
    `${capitalised(database)} refused a statement (${error.message}, SQLSTATE ${state}): ${cure}, then ${WAY_OUT}.`,
    { cause: error },
  )
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
