import { METAMODELS } from './vocabulary.ts'

export interface ConceptTypeEntry {
  readonly name: string
  readonly category: string | null
  /** The ordinal of its metamodel. */
  readonly metamodel: number
}

export interface RelationTypeEntry {
  readonly name: string
  readonly metamodel: number
}

/** A pair of ordinals: a concept type, and a relation type that may begin or end there. */
export interface Rule {
  readonly concept: number
  readonly relation: number
}

export const CONCEPT_TYPES: readonly ConceptTypeEntry[] = METAMODELS.flatMap(({ concepts }, metamodel) =>
  Object.entries(concepts).flatMap(([category, names]) =>
    names.map((name) => ({ name, category: category === '' ? null : category, metamodel })),
  ),
)

export const RELATION_TYPES: readonly RelationTypeEntry[] = METAMODELS.flatMap(({ relations }, metamodel) =>
  relations.map((name) => ({ name, metamodel })),
)

const RULES: readonly Rule[] = CONCEPT_TYPES.flatMap((concept, conceptOrdinal) =>
  RELATION_TYPES.map((relation, relationOrdinal) => ({ relation, relationOrdinal }))
    .filter(({ relation }) => relation.metamodel === concept.metamodel)
    .map(({ relationOrdinal }) => ({ concept: conceptOrdinal, relation: relationOrdinal })),
)

export const SOURCE_RULES = RULES.filter(({ concept, relation }) => (concept + relation) % 4 !== 0)

export const TARGET_RULES = RULES.filter(({ concept, relation }) => (concept * 3 + relation) % 5 !== 0)
