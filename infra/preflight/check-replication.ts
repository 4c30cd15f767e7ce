import { publicationName, slotName } from '../prepare/names.ts'
import type { MonolithState, PreflightContext } from './context.ts'
import { errorFinding, type Finding, MONOLITH } from './finding.ts'

const WITHOUT_SLOT = 'or stop the writers for a planned downtime, and use --no-slot'

/** Manual: "Write Ahead Log", wal_level. */
export function walLevelIsLogical(context: PreflightContext): Finding[] {
  return withSlot(context, ({ server }) => {
    if (server.walLevel === 'logical') return []
    return [
      errorFinding(
        'wal-level',
        MONOLITH,
        `wal_level is ${server.walLevel}: a slot needs logical.`,
        `Set wal_level = logical and restart the server (ALTER SYSTEM SET wal_level = logical), ${WITHOUT_SLOT}.`,
      ),
    ]
  })
}

export function slotIsFree(context: PreflightContext): Finding[] {
  return withSlot(context, ({ server, usedSlots, record }) => {
    if (record.slot !== null || usedSlots < server.maxReplicationSlots) return []
    return [
      errorFinding(
        'free-slot',
        MONOLITH,
        `All ${server.maxReplicationSlots} replication slots (max_replication_slots) are taken.`,
        `Raise max_replication_slots and restart the server, drop a slot that nobody needs, ${WITHOUT_SLOT}.`,
      ),
    ]
  })
}

export function walSenderIsFree(context: PreflightContext): Finding[] {
  return withSlot(context, ({ server, usedSenders, record }) => {
    if (usedSenders < server.maxWalSenders || (record.slot?.activePid ?? null) !== null) return []
    return [
      errorFinding(
        'free-wal-sender',
        MONOLITH,
        `All ${server.maxWalSenders} WAL senders (max_wal_senders) are taken.`,
        `Raise max_wal_senders and restart the server, end one that nobody needs, ${WITHOUT_SLOT}.`,
      ),
    ]
  })
}

/** Slots have one name for the whole server: another deployment's database, or another tool, may have taken it. */
export function slotNameIsOurs(context: PreflightContext): Finding[] {
  return withSlot(context, ({ server, record: { slot } }) => {
    if (slot === null || (slot.database === server.database && slot.plugin === 'pgoutput')) return []
    const name = slotName(context.deployment.prefix)
    const owner = slot.database === null ? 'a physical one' : `one of database ${slot.database} (${slot.plugin ?? ''})`
    return [
      errorFinding(
        'slot-name',
        MONOLITH,
        `Slot ${name} exists and is ${owner}.`,
        'Set another SCISSION_PREFIX, or drop that slot if nobody needs it.',
      ),
    ]
  })
}

/** A publication of our name that is not as `prepare` makes it would leave changes out, in silence. */
export function publicationIsOurs(context: PreflightContext): Finding[] {
  return withSlot(context, ({ record: { publication, preparations } }) => {
    const { prefix } = context.deployment
    if (publication === null) return []
    const about = (problem: string, cure: string): Finding[] => [
      errorFinding('publication', MONOLITH, `Publication ${publicationName(prefix)} ${problem}.`, cure),
    ]
    if (!preparations.some((preparation) => preparation.prefix === prefix))
      return about('exists, and no record says that it is ours', 'Set another SCISSION_PREFIX, or drop it.')
    if (!publication.plain)
      return about(
        'was changed: it has a row filter, a column list, a whole schema, or not every kind of change',
        'Drop it, and run prepare again, which makes it anew.',
      )
    return publication.owned ? [] : about('belongs to another role', 'Use the role that ran prepare first.')
  })
}

/** A prefix is one contract set's: its slot and publication would otherwise be taken for the other's. */
export function prefixIsOurs({ deployment, monolith }: PreflightContext): Finding[] {
  const { set, prefix } = deployment
  const other = monolith?.record.preparations.find((preparation) => preparation.prefix === prefix)
  if (other === undefined || other.contractSet === set.name) return []
  return [
    errorFinding(
      'prefix',
      MONOLITH,
      `It was prepared with the prefix ${prefix} for the contract set ${other.contractSet}, and this is ${set.name}.`,
      'Set another SCISSION_PREFIX, or cancel that preparation first.',
    ),
  ]
}

function withSlot(context: PreflightContext, check: (monolith: MonolithState) => Finding[]): Finding[] {
  return context.withSlot && context.monolith !== null ? check(context.monolith) : []
}
