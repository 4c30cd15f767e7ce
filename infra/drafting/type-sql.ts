import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import type { DomainFacts, OwnType, RangeFacts, TypeUse } from './monolith-facts.ts'

/** A function that is not PostgreSQL's own is printed with its schema under an empty search path. */
const OWN_CALL = /[\w"]\.[\w"]+\(/

/**
 * The statement that makes a domain, a composite or a range as the monolith has it; null for what no statement makes
 * elsewhere: a base type, and the row type of a table. Manual: "CREATE DOMAIN", "CREATE TYPE".
 */
export function createTypeSql(type: OwnType): string | null {
  if (type.domain !== null) return createDomainSql(type.name, type.domain)
  if (type.range !== null) return createRangeSql(type, type.range)
  if (type.kind !== 'c') return null
  const attributes = type.attributes.map((attribute) => `${quoteIdentifier(attribute.name)} ${useSql(attribute)}`)
  return `CREATE TYPE ${type.name} AS (${attributes.join(', ')})`
}

/** What of a type its statement leaves out, since it rests on what stays in the monolith; each as a part of a sentence. */
export function leftOutOf({ domain, range, attributes }: OwnType): string[] {
  const checks = (domain?.checks ?? []).filter((check) => !isCheckKept(check))
  const uses = [...(domain === null ? [] : [domain]), ...(range === null ? [] : [range]), ...attributes]
  return [
    ...checks.map(({ name }) => `its constraint ${name}`),
    ...(domain === null || isDefaultKept(domain) ? [] : ['its default']),
    ...(range?.functions ?? []).map((name) => `its function ${name}`),
    ...(range == null || range.operatorClass === null || isBuiltIn(range.operatorClass)
      ? []
      : [`its operator class ${range.operatorClass}`]),
    ...uses.flatMap(({ collation }) =>
      collation === null || isBuiltIn(collation) ? [] : [`the collation ${collation}`],
    ),
  ]
}

function createDomainSql(name: string, domain: DomainFacts): string {
  return [
    `CREATE DOMAIN ${name} AS ${useSql(domain)}`,
    ...(domain.default !== null && isDefaultKept(domain) ? [`DEFAULT ${domain.default}`] : []),
    ...(domain.notNull ? ['NOT NULL'] : []),
    ...domain.checks
      .filter(isCheckKept)
      .map(({ name: check, definition }) => `CONSTRAINT ${quoteIdentifier(check)} ${definition}`),
  ].join(' ')
}

/** A constraint that calls a function of the monolith's own cannot be made elsewhere, nor one that rows may break. */
function isCheckKept({ validated, functions }: DomainFacts['checks'][number]): boolean {
  return validated && functions.length === 0
}

function isDefaultKept(domain: DomainFacts): boolean {
  return domain.default === null || !(OWN_CALL.test(domain.default) || domain.default.includes('nextval('))
}

function createRangeSql({ name, schema, bareName }: OwnType, range: RangeFacts): string {
  const derived = bareName.includes('range') ? bareName.replace('range', 'multirange') : `${bareName}_multirange`
  const { collation, operatorClass } = range
  const options = [
    `subtype = ${range.type}`,
    ...(operatorClass !== null && isBuiltIn(operatorClass) ? [`subtype_opclass = ${operatorClass}`] : []),
    ...(collation !== null && isBuiltIn(collation) ? [`collation = ${collation}`] : []),
    ...(range.multirange === `${quoteIdentifier(schema)}.${quoteIdentifier(derived)}`
      ? []
      : [`multirange_type_name = ${range.multirange}`]),
  ]
  return `CREATE TYPE ${name} AS RANGE (${options.join(', ')})`
}

function useSql({ type, collation }: TypeUse): string {
  return collation !== null && isBuiltIn(collation) ? `${type} COLLATE ${collation}` : type
}

function isBuiltIn(name: string): boolean {
  return name.startsWith('pg_catalog.')
}
