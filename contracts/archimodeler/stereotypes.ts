import { entity, service } from '../language/entity.ts'
import { jsonb, text } from '../language/types.ts'
import { moment, momentOfCreation } from './prisma-columns.ts'

export const stereotypes = service({
  Stereotype: entity(
    {
      id: text(),
      name: text(),
      description: text().nullable(),
      icon: text().nullable(),
      color: text().nullable(),
      propertiesSchema: jsonb().nullable(),
      createdAt: momentOfCreation(),
      updatedAt: moment(),
    },
    { key: ['id'], unique: [{ on: ['name'] }] },
  ),
  StereotypeConceptType: entity(
    { id: text(), stereotypeId: text(), conceptTypeId: text(), createdAt: momentOfCreation() },
    {
      key: ['id'],
      unique: [{ on: ['stereotypeId', 'conceptTypeId'] }],
      references: [{ on: ['stereotypeId'], to: 'Stereotype', onDelete: 'CASCADE' }],
      crossReferences: [{ on: ['conceptTypeId'], to: 'metamodel.ConceptType', onDelete: 'CASCADE' }],
    },
  ),
  StereotypeRelationType: entity(
    { id: text(), stereotypeId: text(), relationTypeId: text(), createdAt: momentOfCreation() },
    {
      key: ['id'],
      unique: [{ on: ['stereotypeId', 'relationTypeId'] }],
      references: [{ on: ['stereotypeId'], to: 'Stereotype', onDelete: 'CASCADE' }],
      crossReferences: [{ on: ['relationTypeId'], to: 'metamodel.RelationType', onDelete: 'CASCADE' }],
    },
  ),
  ElementStereotype: entity(
    {
      id: text(),
      elementId: text(),
      stereotypeId: text(),
      extendedProperties: jsonb().nullable(),
      createdAt: momentOfCreation(),
      updatedAt: moment(),
    },
    {
      key: ['id'],
      unique: [{ on: ['elementId', 'stereotypeId'] }],
      references: [{ on: ['stereotypeId'], to: 'Stereotype', onDelete: 'CASCADE' }],
      crossReferences: [{ on: ['elementId'], to: 'modeling.Element', onDelete: 'CASCADE' }],
    },
  ),
  RelationshipStereotype: entity(
    {
      id: text(),
      relationshipId: text(),
      stereotypeId: text(),
      extendedProperties: jsonb().nullable(),
      createdAt: momentOfCreation(),
      updatedAt: moment(),
    },
    {
      key: ['id'],
      unique: [{ on: ['relationshipId', 'stereotypeId'] }],
      references: [{ on: ['stereotypeId'], to: 'Stereotype', onDelete: 'CASCADE' }],
      crossReferences: [{ on: ['relationshipId'], to: 'modeling.Relationship', onDelete: 'CASCADE' }],
    },
  ),
})
