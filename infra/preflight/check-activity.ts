import { quoteLiteral } from '../../contracts/language/quoting.ts'
import type { PreflightContext } from './context.ts'
import { errorFinding, type Finding, MONOLITH, warningFinding } from './finding.ts'

/** They end by themselves as a rule, and prepare waits; but whoever wants a table meanwhile waits behind it. */
export function transactionsAreShort({ monolith, withSlot }: PreflightContext): Finding[] {
  if (monolith === null || !withSlot) return []
  return monolith.openTransactions.map(({ pid, database, user, application, state, seconds }) =>
    warningFinding(
      'long-transaction',
      MONOLITH,
      `A transaction of ${user} (${application === '' ? 'no application name' : application}, process ${pid}, ${state}) in database ${database} has been open for ${seconds} s: the slot, and locks, wait for it.`,
      `Let it end, or end it: SELECT pg_terminate_backend(${pid}).`,
    ),
  )
}

/** Nobody ends them by going away, not even a restart: the slot would wait for ever. */
export function nothingIsPrepared({ monolith, withSlot }: PreflightContext): Finding[] {
  if (monolith === null || !withSlot) return []
  return monolith.preparedTransactions.map(({ gid, database, seconds }) =>
    errorFinding(
      'prepared-transaction',
      MONOLITH,
      `Transaction ${quoteLiteral(gid)} of database ${database} was prepared ${seconds} s ago and has not ended: the slot would wait for it for ever.`,
      `End it in that database: COMMIT PREPARED ${quoteLiteral(gid)}, or ROLLBACK PREPARED.`,
    ),
  )
}
