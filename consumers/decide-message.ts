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
  readonly phase: Phase
  /** The attempt of each entity of the contract; 0 before its first. */
  readonly attempts: ReadonlyMap<string, number>
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
 * @throws Failure 4 for an epoch of another service or contract set, or the present one of another log.
 */
export function decideEpoch(known: Known, control: EpochControl): 'enter' | 'skip' {
  if (control.contractSet !== known.contractSet || control.service !== known.service)
    throw refusal(
      known,
      `its stream is that of service ${control.service} of the contract set ${control.contractSet}: correct NATS_URL or SCISSION_PREFIX`,
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
 * @throws Failure 4 for an entity that the contract does not have, or an epoch that the log did not announce.
 */
export function decideAttempt(known: Known, control: AttemptControl): 'enter' | 'skip' {
  if (control.epoch < known.epoch) return 'skip'
  if (control.epoch > known.epoch) throw unannounced(known, `attempt ${control.attempt} of ${control.entity}`, control)
  return control.attempt > attemptOf(known, control.entity) ? 'enter' : 'skip'
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
 * A manifest closes the loading, unless a later attempt has begun since, or it was closed before.
 * @throws Failure 4 for one of an attempt that the log did not announce.
 */
export function decideManifest(known: Known, control: ManifestControl): 'close' | 'skip' {
  if (control.epoch < known.epoch) return 'skip'
  const later = control.entities.find(({ entity, attempt }) => attempt > attemptOf(known, entity))
  if (control.epoch > known.epoch || later !== undefined) throw unannounced(known, 'a manifest', control)
  if (known.phase === 'following') return 'skip'
  const overtaken = control.entities.some(
    ({ entity, attempt }) => attempt < Math.max(attemptOf(known, entity), known.announced.get(entity) ?? 0),
  )
  return overtaken ? 'skip' : 'close'
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
