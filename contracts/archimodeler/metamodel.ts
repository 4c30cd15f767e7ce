import { entity, service } from '../language/entity.ts'
import { text } from '../language/types.ts'
import { joinTable } from './join-table.ts'

export const metamodel = service({
  Metamodel: entity(
    { id: text(), name: text(), version: text(), description: text().nullable() },
    { key: ['id'], unique: [{ on: ['name'] }] },
  ),
  ConceptType: entity(
    { id: text(), name: text(), category: text().nullable(), metamodelId: text() },
    {
      key: ['id'],
      unique: [{ on: ['name', 'metamodelId'] }],
      references: [{ on: ['metamodelId'], to: 'Metamodel', onDelete: 'RESTRICT' }],
    },
  ),
  RelationType: entity(
    { id: text(), name: text(), metamodelId: text() },
    {
      key: ['id'],
      unique: [{ on: ['name', 'metamodelId'] }],
      references: [{ on: ['metamodelId'], to: 'Metamodel', onDelete: 'RESTRICT' }],
    },
  ),
  _SourceRules: joinTable('_SourceRules', 'ConceptType', 'RelationType'),
  _TargetRules: joinTable('_TargetRules', 'ConceptType', 'RelationType'),
})
