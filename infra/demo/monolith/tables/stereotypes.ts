import { AWKWARD_TEXTS } from '../awkward-texts.ts'
import { itemAt } from '../random.ts'
import { documentAt, momentAt, proseAt, sparse } from '../values.ts'
import type { TableRows } from '../world.ts'

const ICONS = ['☁️', 'database', '', '\u{1f469}\u200d\u{1f4bb}', 'icons\\server.svg']
const COLORS = ['#1F77B4', 'rgb(31, 119, 180)', '', 'bleu']

const stereotype: TableRows = {
  name: 'Stereotype',
  columns: ['id', 'name', 'description', 'icon', 'color', 'propertiesSchema', 'createdAt', 'updatedAt'],
  rows: (world) => {
    const [random, id] = [world.random('Stereotype'), world.ids('Stereotype')]
    return (ordinal) => [
      id(ordinal),
      AWKWARD_TEXTS[ordinal] ?? `Stéréotype ${ordinal}`,
      sparse(ordinal, 3, 4, (nth) => proseAt(random, nth)),
      sparse(ordinal, 2, 3, (nth) => itemAt(ICONS, nth)),
      sparse(ordinal, 6, 7, (nth) => itemAt(COLORS, nth)),
      sparse(ordinal, 5, 6, (nth) => documentAt(random, nth, 0, () => PROPERTIES_SCHEMA)),
      momentAt(random, ordinal),
      momentAt(random, ordinal, 4),
    ]
  },
}

const PROPERTIES_SCHEMA = '{"type": "object", "properties": {"cost": {"type": "number", "maximum": 1e30}}}'

/** Each stereotype is for the same number of types, all different. */
function stereotypeType(
  name: 'StereotypeConceptType' | 'StereotypeRelationType',
  type: 'ConceptType' | 'RelationType',
  column: string,
): TableRows {
  return {
    name,
    columns: ['id', 'stereotypeId', column, 'createdAt'],
    rows: (world) => {
      const { ids, sizes } = world
      const [random, id, stereotypeId, typeId] = [world.random(name), ids(name), ids('Stereotype'), ids(type)]
      return (ordinal) => {
        const owner = ordinal % sizes.Stereotype
        const round = Math.floor(ordinal / sizes.Stereotype)
        return [id(ordinal), stereotypeId(owner), typeId((owner + round) % sizes[type]), momentAt(random, ordinal)]
      }
    },
  }
}

/** The stereotypes on elements or relationships, which are spread over all of them. */
function applied(
  name: 'ElementStereotype' | 'RelationshipStereotype',
  target: 'Element' | 'Relationship',
  column: string,
): TableRows {
  return {
    name,
    columns: ['id', column, 'stereotypeId', 'extendedProperties', 'createdAt', 'updatedAt'],
    rows: (world) => {
      const { ids, sizes } = world
      const [random, id, targetId, stereotypeId] = [world.random(name), ids(name), ids(target), ids('Stereotype')]
      const step = Math.floor(sizes[target] / sizes[name])
      return (ordinal) => [
        id(ordinal),
        targetId(ordinal * step),
        stereotypeId(random.below(sizes.Stereotype)),
        sparse(ordinal, 3, 5, (nth) => documentAt(random, nth, 0, () => `{"cost": ${random.below(1e9)}.50}`)),
        momentAt(random, ordinal),
        momentAt(random, ordinal, 2),
      ]
    },
  }
}

export const stereotypes: readonly TableRows[] = [
  stereotype,
  stereotypeType('StereotypeConceptType', 'ConceptType', 'conceptTypeId'),
  stereotypeType('StereotypeRelationType', 'RelationType', 'relationTypeId'),
  applied('ElementStereotype', 'Element', 'elementId'),
  applied('RelationshipStereotype', 'Relationship', 'relationshipId'),
]
