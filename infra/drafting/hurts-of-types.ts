import { type Finding, MONOLITH, warningFinding } from '../preflight/finding.ts'
import type { HurtContext } from './hurt-context.ts'
import type { OwnType } from './monolith-facts.ts'
import { typesNeeded } from './own-types.ts'
import { createTypeSql, leftOutOf } from './type-sql.ts'

/** Types that cannot be made in a service as the monolith has them. */
export function typesThatStay({ services, facts }: HurtContext): Finding[] {
  const needed = new Set(services.flatMap((service) => typesNeeded(service, facts.types)))
  return [...needed].filter(({ extension }) => extension === null).flatMap(typeFinding)
}

/** A multirange comes with its range, an enum and an extension's type are said by the contract language. */
export function isMakable(type: OwnType): boolean {
  return type.extension !== null || type.kind === 'e' || type.kind === 'm' || createTypeSql(type) !== null
}

function typeFinding(type: OwnType): Finding[] {
  if (!isMakable(type))
    return [
      warningFinding(
        'type',
        MONOLITH,
        `Type ${type.name} is ${type.kind === 'row' ? 'the row type of a table' : 'of its own make'}, which a contract cannot make in a service.`,
        "Make it in the databases of the services that use it before prepare, or change the columns' type.",
      ),
    ]
  const left = leftOutOf(type)
  if (left.length === 0) return []
  return [
    warningFinding(
      'type',
      MONOLITH,
      `Type ${type.name} is drafted without ${left.join(', ')}: that rests on what stays in the monolith.`,
      'Make it anew in the services that use it, if it matters.',
    ),
  ]
}
