import { CONCEPT_TYPES, RELATION_TYPES, type Rule, SOURCE_RULES, TARGET_RULES } from '../metamodel-types.ts'
import { itemAt } from '../random.ts'
import { METAMODELS } from '../vocabulary.ts'
import type { TableRows } from '../world.ts'

const metamodelTable: TableRows = {
  name: 'Metamodel',
  columns: ['id', 'name', 'version', 'description'],
  rows: ({ ids }) => {
    const id = ids('Metamodel')
    return (ordinal) => {
      const { name, version, description } = itemAt(METAMODELS, ordinal)
      return [id(ordinal), name, version, description]
    }
  },
}

const conceptType: TableRows = {
  name: 'ConceptType',
  columns: ['id', 'name', 'category', 'metamodelId'],
  rows: ({ ids }) => {
    const [id, metamodelId] = [ids('ConceptType'), ids('Metamodel')]
    return (ordinal) => {
      const { name, category, metamodel: owner } = itemAt(CONCEPT_TYPES, ordinal)
      return [id(ordinal), name, category, metamodelId(owner)]
    }
  },
}

const relationType: TableRows = {
  name: 'RelationType',
  columns: ['id', 'name', 'metamodelId'],
  rows: ({ ids }) => {
    const [id, metamodelId] = [ids('RelationType'), ids('Metamodel')]
    return (ordinal) => {
      const { name, metamodel: owner } = itemAt(RELATION_TYPES, ordinal)
      return [id(ordinal), name, metamodelId(owner)]
    }
  },
}

function rules(name: '_SourceRules' | '_TargetRules', entries: readonly Rule[]): TableRows {
  return {
    name,
    columns: ['A', 'B'],
    rows: ({ ids }) => {
      const [conceptId, relationId] = [ids('ConceptType'), ids('RelationType')]
      return (ordinal) => {
        const { concept, relation } = itemAt(entries, ordinal)
        return [conceptId(concept), relationId(relation)]
      }
    },
  }
}

export const metamodel: readonly TableRows[] = [
  metamodelTable,
  conceptType,
  relationType,
  rules('_SourceRules', SOURCE_RULES),
  rules('_TargetRules', TARGET_RULES),
]
