import { Failure } from '../contracts/failure.ts'
import type { AttemptControl, EpochControl, ManifestControl } from '../contracts/wire/message.ts'
import type { Phase } from '../infra/service-database/state-ddl.ts'

/** What a consumer knows when it decides what a message means. */
export interface Known {
  readonly contractSet: string
  readonly service: string
  readonly epoch: number
  /** When the publisher began the present epoch, in its own words; null before the first. */
  readonly epochStartedAt: string | null
  /** The system identifier of the monolith whose rows the database holds; null before the first epoch. */
  readonly systemId: string | null
  readonly phase: Phase
  /** The attempt of each entity of the contract; 0 before its first. */
  readonly attempts: ReadonlyMap<string, number>
  /** The snapshot of each entity's attempt. */
  readonly snapshots: ReadonlyMap<string, string | null>
  /** Later attempts that the log is known to announce further on. */
  readonly announced: ReadonlyMap<string, number>
}

/** What identifies a page among the readings. */
export interface PageIdentity {
  readonly epoch: number
  readonly entity: string
  readonly attempt: number
}

const NEW_EPOCH = 'begin a new epoch with publish --new-epoch'

/**
 * A later epoch begins everything anew; the present one, read again, changes nothing.
 * @throws Failure 4 for an epoch of another service, contract set or monolith, or the present one of another log. That its
 * number is higher proves nothing: it may be that of another deployment, for which these tables must not be emptied.
 */
export function decideEpoch(known: Known, control: EpochControl): 'enter' | 'skip' {
  if (control.contractSet !== known.contractSet || control.service !== known.service)
    throw refusal(
      known,
      `its stream is that of service ${control.service} of the contract set ${control.contractSet}: correct NATS_URL or SCISSION_PREFIX`,
    )
  if (known.systemId !== null && control.systemId !== known.systemId)
    throw refusal(
      known,
      `its database holds the rows of another monolith (system identifier ${known.systemId}) than the log's (${control.systemId}): correct NATS_URL or SCISSION_PREFIX; if the monolith was made anew since (restored, or upgraded by pg_upgrade), run cancel --with-services, prepare and publish --new-epoch`,
    )
  if (control.epoch > known.epoch) return 'enter'
  if (control.epoch === known.epoch && control.startedAt !== known.epochStartedAt)
    throw refusal(
      known,
      `its database was loaded from another log, whose epoch ${known.epoch} began at ${known.epochStartedAt}, and this one's at ${control.startedAt}: correct NATS_URL or SCISSION_PREFIX, or ${NEW_EPOCH}`,
    )
  return 'skip'
}

/**
 * A new attempt empties its table and forgets the older pages.
 * @throws Failure 4 for an entity that the contract does not have, an epoch that the log did not announce, or the present
 * attempt under another snapshot: the broker has lost the one that was entered, and another was made in its place.
 */
export function decideAttempt(known: Known, control: AttemptControl): 'enter' | 'skip' {
  if (control.epoch < known.epoch) return 'skip'
  if (control.epoch > known.epoch) throw unannounced(known, `attempt ${control.attempt} of ${control.entity}`, control)
  const attempt = attemptOf(known, control.entity)
  if (control.attempt > attempt) return 'enter'
  const snapshot = known.snapshots.get(control.entity) ?? null
  if (control.attempt === attempt && snapshot !== null && snapshot !== control.snapshot)
    throw refusal(
      known,
      `its table ${control.entity} holds rows of attempt ${attempt} under the snapshot ${snapshot}, and the log's attempt ${attempt} is under ${control.snapshot}: the broker came back with an older store; ${NEW_EPOCH}`,
    )
  return 'skip'
}

/**
 * A page of the present attempt is loaded; one of an earlier attempt is void.
 * @throws Failure 4 for a page that comes before its attempt was announced.
 */
export function decidePage(known: Known, page: PageIdentity): 'load' | 'skip' {
  if (page.epoch < known.epoch) return 'skip'
  const attempt = attemptOf(known, page.entity)
  if (page.epoch > known.epoch || page.attempt > attempt)
    throw unannounced(known, `a page of ${page.entity}, attempt ${page.attempt}`, page)
  return page.attempt === attempt ? 'load' : 'skip'
}

/**
 * A manifest closes the loading, unless a later attempt has begun since, or it was closed before: then it may move the
 * consistency point, which is that of the last reading in any service.
 * @throws Failure 4 for one of an attempt that the log did not announce.
 */
export function decideManifest(known: Known, control: ManifestControl): 'close' | 'move the point' | 'skip' {
  if (control.epoch < known.epoch) return 'skip'
  const later = control.entities.find(({ entity, attempt }) => attempt > attemptOf(known, entity))
  if (control.epoch > known.epoch || later !== undefined) throw unannounced(known, 'a manifest', control)
  const overtaken = control.entities.some(
    ({ entity, attempt }) => attempt < Math.max(attemptOf(known, entity), known.announced.get(entity) ?? 0),
  )
  if (overtaken) return 'skip'
  return known.phase === 'following' ? 'move the point' : 'close'
}

/**
 * Changes are applied to tables that are complete; before that they wait in the log.
 * @throws Failure 4 for changes of an epoch that the log did not announce.
 */
export function decideChange(known: Known, change: { readonly epoch: number }): 'apply' | 'hold' | 'skip' {
  if (change.epoch < known.epoch) return 'skip'
  if (change.epoch > known.epoch) throw unannounced(known, 'changes', change)
  return known.phase === 'following' ? 'apply' : 'hold'
}

function attemptOf(known: Known, entity: string): number {
  const attempt = known.attempts.get(entity)
  if (attempt !== undefined) return attempt
  throw refusal(
    known,
    `the log has rows of ${entity}, which the contract does not have: use the contract set that the log was published with`,
  )
}

function unannounced(known: Known, what: string, { epoch }: { readonly epoch: number }): Failure {
  return refusal(
    known,
    `the log has ${what} (epoch ${epoch}), which it did not announce: it is not whole; ${NEW_EPOCH}`,
  )
}

function refusal({ service }: Known, clause: string): Failure {
  return new Failure(4, `Service ${service}: ${clause}.`)
}

/**
 * Compares the ledger with the manifest: every entity of the contract, every page of it, and every row.
 * @returns a clause for each entity that is not complete.
 */
export function ledgerShortfalls(
  control: Pick<ManifestControl, 'entities'>,
  ledger: ReadonlyMap<string, { readonly pages: number; readonly rows: number }>,
  contract: readonly string[],
): string[] {
  const listed = new Set(control.entities.map(({ entity }) => entity))
  const missing = contract.filter((entity) => !listed.has(entity)).map((entity) => `${entity} is not in it`)
  const short = control.entities.flatMap(({ entity, pages, rows }) => {
    const applied = ledger.get(entity) ?? { pages: 0, rows: 0 }
    if (applied.pages === pages && applied.rows === rows) return []
    return [`${entity} has ${applied.pages} of ${pages} pages and ${applied.rows} of ${rows} rows`]
  })
  return [...missing, ...short]
}
