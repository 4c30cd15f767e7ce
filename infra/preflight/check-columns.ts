import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { tableOf } from '../catalog/catalog.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import type { PreflightContext } from './context.ts'
import { type Finding, informationFinding, MONOLITH, warningFinding } from './finding.ts'

/** The type of large objects' references as contrib/lo has it, whatever schema it is in, and the plain one. */
const REFERENCES_OBJECT = /(^|\.)(oid|lo)$/

/** What travels otherwise than a plain column does, and what does not travel at all. */
export function columnsTravel({ deployment: { set }, monolith }: PreflightContext): Finding[] {
  if (monolith === null) return []
  const columns = set.services
    .flatMap(({ entities }) => entities)
    .flatMap((entity) =>
      (tableOf(monolith.catalog, entity)?.columns ?? []).map((column) => ({
        ...column,
        place: `${tableSql(entity)}.${quoteIdentifier(column.name)}`,
      })),
    )
  const places = (wanted: (column: (typeof columns)[number]) => boolean): string[] =>
    columns.filter(wanted).map(({ place }) => place)
  return [
    ...generatedFinding(places(({ generated }) => generated)),
    ...identityFinding(places(({ identity }) => identity !== null)),
    ...largeObjectFinding(
      monolith.hasLargeObjects,
      places(({ type }) => REFERENCES_OBJECT.test(type)),
    ),
  ]
}

function generatedFinding(places: readonly string[]): Finding[] {
  if (places.length === 0) return []
  return [
    informationFinding(
      'generated-column',
      MONOLITH,
      `Generated columns are not in the log: ${places.join(', ')}.`,
      'Each service computes them itself; verify compares them with the rest.',
    ),
  ]
}

function identityFinding(places: readonly string[]): Finding[] {
  if (places.length === 0) return []
  return [
    informationFinding(
      'identity-column',
      MONOLITH,
      `The sequences of identity columns do not travel: ${places.join(', ')}.`,
      'Before a service takes writes, set each of them past its highest value (ALTER TABLE … ALTER … RESTART WITH …).',
    ),
  ]
}

/** Large objects are in no table of ours: what would arrive is a number that leads to nothing. */
function largeObjectFinding(hasLargeObjects: boolean, places: readonly string[]): Finding[] {
  if (!hasLargeObjects) return []
  const columns = places.length === 0 ? '' : ` (columns that may name them: ${places.join(', ')})`
  return [
    warningFinding(
      'large-objects',
      MONOLITH,
      `The database holds large objects, which the log does not carry${columns}.`,
      'Bring them into bytea columns first, or carry them over with lo_export and lo_import in the pause.',
    ),
  ]
}
