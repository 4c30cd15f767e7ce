import type { ClaimableTable, UnclaimedTable } from './claimable-tables.ts'
import type { Placement } from './draft-references.ts'
import type { DraftService } from './draft.ts'
import type { MonolithFacts } from './monolith-facts.ts'

/** What is looked at for what will hurt. */
export interface HurtContext {
  readonly facts: MonolithFacts
  readonly claimable: readonly ClaimableTable[]
  readonly unclaimed: readonly UnclaimedTable[]
  readonly placement: Placement
  readonly services: readonly DraftService[]
}

/** A list of names in a sentence is not longer; how many are left out is said. */
const MOST_NAMES = 20

/** `a, b and 3 more`. */
export function nameList(names: readonly string[], separator = ', '): string {
  const shown = names.slice(0, MOST_NAMES).join(separator)
  return names.length > MOST_NAMES ? `${shown} and ${names.length - MOST_NAMES} more` : shown
}
