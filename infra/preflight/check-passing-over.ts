import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import type { PreflightContext, ServiceState } from './context.ts'
import { type Finding, serviceSubject, warningFinding } from './finding.ts'

/** From this release on the right can be granted. Manual: "GRANT ... ON PARAMETER". */
const GRANTABLE = 150_000

/**
 * The log has the rows that a foreign key's action changed in the monolith, so the service's own must not act on what is
 * followed: that takes a right, without which a service with foreign keys can be loaded and not followed.
 */
export async function foreignKeysCanBePassedOver({ services, withSlot }: PreflightContext): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const state of services)
    if (
      withSlot &&
      state.service.entities.some(({ references }) => references.length > 0) &&
      !(await mayPassOver(state))
    )
      findings.push(finding(state))
  return findings
}

async function mayPassOver({ session, server }: ServiceState): Promise<boolean> {
  const privilege =
    server.versionNumber >= GRANTABLE
      ? `has_parameter_privilege('session_replication_role', 'SET')`
      : `current_setting('is_superuser') = 'on'`
  const { rows } = await session.query<{ may: string | boolean }>(`SELECT ${privilege} AS may`)
  return rows[0]?.may === 't' || rows[0]?.may === true
}

function finding({ server, service }: ServiceState): Finding {
  const role = quoteIdentifier(server.role)
  return warningFinding(
    'passing-over',
    serviceSubject(service),
    `Role ${role} may not let foreign keys rest, so that the service can be loaded, but not followed.`,
    server.versionNumber >= GRANTABLE
      ? `GRANT SET ON PARAMETER session_replication_role TO ${role}, as a superuser.`
      : 'Use a superuser: before PostgreSQL 15 no other role can have the right.',
  )
}
