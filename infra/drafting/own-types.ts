import type { DraftColumn, DraftService } from './draft.ts'
import type { OwnType } from './monolith-facts.ts'

type Types = ReadonlyMap<string, OwnType>

/** The types that a type is made of and PostgreSQL does not have of itself, one level down. */
export function partsOf(type: OwnType, types: Types): OwnType[] {
  if (type.extension !== null) return []
  const oids = [type.domain?.oid, type.range?.oid, type.rangeOid, ...type.attributes.map(({ oid }) => oid)]
  return oids.flatMap((oid) => types.get(oid ?? '') ?? [])
}

/** A type with all that it is made of, in the order in which they must be made. */
export function withParts(type: OwnType, types: Types): OwnType[] {
  const ordered = new Set(partsOf(type, types).flatMap((part) => withParts(part, types)))
  return [...ordered, type]
}

/** All that a column needs, in order. */
export function typesOfColumn({ ownType, alsoNeeds }: DraftColumn, types: Types): OwnType[] {
  const own = ownType === null ? [] : [ownType]
  return [...new Set([...own, ...alsoNeeds].flatMap((type) => withParts(type, types)))]
}

/** All that a service's tables need, each once and in order. */
export function typesNeeded({ entities }: DraftService, types: Types): OwnType[] {
  return [...new Set(entities.flatMap(({ columns }) => columns.flatMap((column) => typesOfColumn(column, types))))]
}
