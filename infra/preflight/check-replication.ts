import { publicationName, slotName } from '../prepare/names.ts'
import type { MonolithState, PreflightContext } from './context.ts'
import { neededIdentity } from '../prepare/replica-identity.ts'
import { tableOf } from '../catalog/catalog.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import { errorFinding, type Finding, informationFinding, MONOLITH, warningFinding } from './finding.ts'

const WITHOUT_SLOT = 'or stop the writers for a planned downtime, and use --no-slot'

/** Manual: "Write Ahead Log", wal_level. */
export function walLevelIsLogical(context: PreflightContext): Finding[] {
  return withSlot(context, ({ server }) => {
    if (server.walLevel === 'logical') return []
    const problem = `wal_level is ${server.walLevel}: a slot needs logical.`
    const cure = `Set wal_level = logical and restart the server (ALTER SYSTEM SET wal_level = logical), ${WITHOUT_SLOT}.`
    return [{ ...errorFinding('wal-level', MONOLITH, problem, cure), lines: COMPOSE_LINES }]
  })
}

/** The image's own command is the server, to which a compose file adds settings. Manual: hub.docker.com, "postgres". */
const COMPOSE_LINES = [
  '# In a docker compose file, beneath the service that runs the monolith, then docker compose up -d:',
  'command:',
  '  - postgres',
  '  - -c',
  '  - wal_level=logical',
  '  - -c',
  '  - max_replication_slots=10',
  '  - -c',
  '  - max_wal_senders=10',
]

/** In a burst of 1 GB as much was seen to be held back, although everything was confirmed at once. */
const LEAST_SLOT_WAL_MEGABYTES = 4096

/** Without a bound a publisher that is away for long fills the monolith's disk; with a small one it loses its slot. */
export function slotWalIsBounded(context: PreflightContext): Finding[] {
  return withSlot(context, ({ server: { maxSlotWalKeepMegabytes: bound } }) => {
    if (bound >= LEAST_SLOT_WAL_MEGABYTES) return []
    if (bound < 0)
      return [
        informationFinding(
          'slot-wal',
          MONOLITH,
          'max_slot_wal_keep_size is -1: while no publisher runs, the slot holds back WAL until the disk is full.',
          'Set max_slot_wal_keep_size to what the disk can spare (it needs no restart), and watch what the slot holds back.',
        ),
      ]
    return [
      warningFinding(
        'slot-wal',
        MONOLITH,
        `max_slot_wal_keep_size is ${bound} MB: a slot that falls behind by more is lost, and all must be published anew.`,
        `Raise max_slot_wal_keep_size to ${LEAST_SLOT_WAL_MEGABYTES} MB or more while Scission follows; it needs no restart.`,
      ),
    ]
  })
}

/** What prepare will change, before it does: the change takes a lock, if only for a moment. */
export function identitiesServe(context: PreflightContext): Finding[] {
  return withSlot(context, ({ catalog }) => {
    const changed = context.deployment.set.services
      .flatMap(({ entities }) => entities)
      .flatMap((entity) => {
        const table = tableOf(catalog, entity)
        const given = table?.kind === 'r' ? neededIdentity(entity, table) : null
        return given === null ? [] : [`${tableSql(entity)} (${given === 'f' ? 'FULL' : 'DEFAULT'})`]
      })
    if (changed.length === 0) return []
    return [
      informationFinding(
        'replica-identity',
        MONOLITH,
        `${changed.length} tables have no replica identity that names their key: ${changed.join(', ')}.`,
        'prepare gives it to them, each under a short exclusive lock; cancel gives the former one back.',
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
