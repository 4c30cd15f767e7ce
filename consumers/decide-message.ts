import { Failure } from '../contracts/failure.ts'
import type { AttemptControl, EpochControl, ManifestControl } from '../contracts/wire/message.ts'
import type { Phase } from '../infra/service-database/state-ddl.ts'

/** What a consumer knows when it decides what a message means. */
export interface Known {
  readonly service: string
  readonly epoch: number
  readonly phase: Phase
  /** The attempt of each entity of the contract; 0 before its first. */
  readonly attempts: ReadonlyMap<string, number>
}

/** What identifies a page among the readings. */
export interface PageIdentity {
  readonly epoch: number
  readonly entity: string
  readonly attempt: number
}

/** A later epoch begins everything anew; the present one, read again, changes nothing. */
export function decideEpoch(known: Known, control: EpochControl): 'enter' | 'skip' {
  return control.epoch > known.epoch ? 'enter' : 'skip'
}

/**
 * A new attempt empties its table and forgets the older pages.
 * @throws Failure 4 for an entity that the contract does not have.
 */
export function decideAttempt(known: Known, control: AttemptControl): 'enter' | 'skip' {
  if (control.epoch < known.epoch) return 'skip'
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
    throw new Failure(
      4,
      `Service ${known.service}: a page of ${page.entity} is of attempt ${page.attempt} (epoch ${page.epoch}), which the log has not announced: the log is not whole; begin a new epoch with publish --new-epoch.`,
    )
  return page.attempt === attempt ? 'load' : 'skip'
}

/** A manifest closes the loading, unless a later attempt has begun since, or it was closed before. */
export function decideManifest(known: Known, control: ManifestControl): 'close' | 'skip' {
  if (control.epoch < known.epoch || known.phase === 'following') return 'skip'
  const overtaken = control.entities.some(({ entity, attempt }) => attempt < attemptOf(known, entity))
  return overtaken ? 'skip' : 'close'
}

function attemptOf(known: Known, entity: string): number {
  const attempt = known.attempts.get(entity)
  if (attempt === undefined)
    throw new Failure(
      4,
      `Service ${known.service}: the log has rows of ${entity}, which the contract does not have: use the contract set that the log was published with.`,
    )
  return attempt
}

/**
 * Compares the ledger with the manifest: every page there, and every row.
 * @returns a clause for each entity that is not complete.
 */
export function ledgerShortfalls(
  control: ManifestControl,
  ledger: ReadonlyMap<string, { readonly pages: number; readonly rows: number }>,
): string[] {
  return control.entities.flatMap(({ entity, pages, rows }) => {
    const applied = ledger.get(entity) ?? { pages: 0, rows: 0 }
    if (applied.pages === pages && applied.rows === rows) return []
    return [`${entity} has ${applied.pages} of ${pages} pages and ${applied.rows} of ${rows} rows`]
  })
}
