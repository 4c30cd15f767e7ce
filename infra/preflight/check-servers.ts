import type { ServerFacts } from '../catalog/read-server.ts'
import type { PreflightContext } from './context.ts'
import { errorFinding, type Finding, MONOLITH, serviceSubject, warningFinding } from './finding.ts'

/** A standby takes no write, and the publication, the slot's record and the tables are writes. */
export function serversTakeWrites(context: PreflightContext): Finding[] {
  return servers(context)
    .filter(({ server }) => server.inRecovery)
    .map(({ subject }) =>
      errorFinding(
        'primary',
        subject,
        'The server is a standby, which takes no writes.',
        'Give the URL of its primary.',
      ),
    )
}

/** Digests are made of the bytes of texts in both places, and only one encoding makes them the same. */
export function encodingsAreUtf8(context: PreflightContext): Finding[] {
  return servers(context)
    .filter(({ server }) => server.encoding !== 'UTF8')
    .map(({ subject, server }) =>
      errorFinding(
        'encoding',
        subject,
        `Database ${server.database} is encoded in ${server.encoding}: texts would not have the same bytes on both sides${server.encoding === 'SQL_ASCII' ? ', and nothing says what they mean' : ''}.`,
        'Create a database with ENCODING UTF8, and bring its contents over with pg_dump and pg_restore.',
      ),
    )
}

/** No value changes by it; but ORDER BY, and ranges of texts, would answer otherwise than the monolith did. */
export function collationsAgree({ monolith, services }: PreflightContext): Finding[] {
  if (monolith === null) return []
  const { collation } = monolith.server
  return services
    .filter(({ server }) => server.collation !== collation)
    .map(({ service, server }) =>
      warningFinding(
        'collation',
        serviceSubject(service),
        `Database ${server.database} sorts texts by ${server.collation}, the monolith by ${collation}.`,
        'Create it with the locales of the monolith (CREATE DATABASE … LC_COLLATE … LC_CTYPE … TEMPLATE template0), unless it is meant so.',
      ),
    )
}

/** Two services in one database, or one in the monolith's, would mix their rows and their checkpoints. */
export function databasesAreSeparate(context: PreflightContext): Finding[] {
  const seen = new Map<string, string>()
  const findings: Finding[] = []
  for (const { subject, server } of servers(context)) {
    const other = seen.get(server.identity)
    if (other === undefined) seen.set(server.identity, subject)
    else
      findings.push(
        errorFinding(
          'separate-databases',
          subject,
          `Its URL leads to database ${server.database}, which is that of ${other}.`,
          'Give each service a database of its own, beside the monolith.',
        ),
      )
  }
  return findings
}

function servers({ monolith, services }: PreflightContext): { subject: string; server: ServerFacts }[] {
  return [
    ...(monolith === null ? [] : [{ subject: MONOLITH, server: monolith.server }]),
    ...services.map(({ service, server }) => ({ subject: serviceSubject(service), server })),
  ]
}
