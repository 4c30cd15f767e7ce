import type { Client } from 'pg'
import { Failure } from '../../contracts/failure.ts'
import type { ClosedSnapshot } from './read-manifest.ts'

/** What a service's database says of itself. */
export interface LoadState {
  readonly contractSet: string
  readonly service: string
  readonly prefix: string
  readonly systemId: string | null
  readonly epoch: number
  readonly phase: string
  /** The attempt whose pages each entity's table holds. */
  readonly attempts: ReadonlyMap<string, number>
}

export interface Wanted {
  readonly contractSet: string
  readonly service: string
  readonly prefix: string
  readonly snapshot: ClosedSnapshot
}

/**
 * Sees that a service's database holds the whole snapshot that the log has now. A service that is behind does not
 * differ: it is late.
 * @throws Failure 4 where the database belongs to another log, 5 where its loading has not ended.
 */
export async function checkLoaded(client: Client, wanted: Wanted): Promise<void> {
  const failure = loadFailure(await readLoadState(client), wanted)
  if (failure !== null) throw failure
}

/** The decision of `checkLoaded`: null where the service is ready to be verified. */
export function loadFailure(state: LoadState | null, wanted: Wanted): Failure | null {
  const { service, snapshot } = wanted
  const { epoch } = snapshot.manifest
  if (state === null)
    return new Failure(4, `The database of service ${service} was never loaded: run prepare, then consume ${service}.`)
  const strange = otherLog(state, wanted)
  if (strange !== null)
    return new Failure(
      4,
      `The database of service ${service} ${strange}: correct its URL, SCISSION_PREFIX or SCISSION_CONTRACTS.`,
    )
  if (state.epoch > epoch)
    return new Failure(
      4,
      `The database of service ${service} holds epoch ${state.epoch}, and stream ${snapshot.stream} ends at epoch ${epoch}: the log went back in time; put the stream back from a copy, or publish --new-epoch.`,
    )
  const late = snapshot.manifest.entities.some(({ entity, attempt }) => state.attempts.get(entity) !== attempt)
  if (state.epoch < epoch || state.phase !== 'following' || late)
    return new Failure(
      5,
      `Service ${service} has not finished loading: run consume ${service} --until-caught-up first.`,
    )
  return null
}

function otherLog(state: LoadState, { contractSet, service, prefix, snapshot }: Wanted): string | null {
  if (state.service !== service || state.contractSet !== contractSet)
    return `holds service ${state.service} of the contract set ${state.contractSet}`
  if (state.prefix !== prefix) return `was loaded from the log with the prefix ${state.prefix}`
  if (state.systemId !== null && state.systemId !== snapshot.begun.systemId)
    return `was loaded from another monolith (system identifier ${state.systemId})`
  return null
}

async function readLoadState(client: Client): Promise<LoadState | null> {
  const { rows: present } = await client.query(
    "SELECT 1 WHERE pg_catalog.to_regclass('scission.checkpoint') IS NOT NULL",
  )
  if (present.length === 0) return null
  const { rows } = await client.query<
    Record<'contractSet' | 'service' | 'prefix' | 'phase' | 'epoch', string> & { systemId: string | null }
  >(
    `SELECT contract_set AS "contractSet", service, prefix, system_id AS "systemId", epoch, phase
     FROM scission.checkpoint`,
  )
  const entities = await client.query<{ entity: string; attempt: string }>(
    'SELECT entity, attempt FROM scission.entity',
  )
  const attempts = new Map(entities.rows.map(({ entity, attempt }) => [entity, Number(attempt)]))
  const [row] = rows
  return row === undefined ? null : { ...row, epoch: Number(row.epoch), attempts }
}
