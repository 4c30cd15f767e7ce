import { entity, service } from '../language/entity.ts'
import { jsonb, text } from '../language/types.ts'
import { moment, momentOfCreation } from './prisma-columns.ts'
import { workflowStatus } from './workflow-status.ts'

const HISTORY = 'Rows that share it are versions of one thing; the current one has no validTo.'

export const modeling = service({
  ModelPackage: entity(
    {
      id: text(),
      name: text(),
      description: text().nullable(),
      status: workflowStatus().default("'DRAFT'"),
      createdAt: momentOfCreation(),
      updatedAt: moment(),
    },
    { key: ['id'] },
  ),
  Folder: entity(
    {
      id: text(),
      name: text(),
      parentId: text().nullable(),
      modelPackageId: text(),
      createdAt: momentOfCreation(),
      updatedAt: moment(),
    },
    {
      key: ['id'],
      references: [
        { on: ['parentId'], to: 'Folder', onDelete: 'SET NULL' },
        { on: ['modelPackageId'], to: 'ModelPackage', onDelete: 'RESTRICT' },
      ],
    },
  ),
  Element: entity(
    {
      id: text(),
      name: text(),
      documentation: text().nullable(),
      properties: jsonb().nullable(),
      conceptTypeId: text(),
      modelPackageId: text(),
      folderId: text().nullable(),
      validFrom: momentOfCreation(),
      validTo: moment().nullable(),
      versionId: text().note(HISTORY),
      externalId: text().nullable(),
      dataSourceId: text().nullable(),
    },
    {
      key: ['id'],
      references: [
        { on: ['modelPackageId'], to: 'ModelPackage', onDelete: 'RESTRICT' },
        { on: ['folderId'], to: 'Folder', onDelete: 'SET NULL' },
      ],
      crossReferences: [
        { on: ['conceptTypeId'], to: 'metamodel.ConceptType', onDelete: 'RESTRICT' },
        { on: ['dataSourceId'], to: 'connectors.DataSource', onDelete: 'SET NULL' },
      ],
    },
  ),
  Relationship: entity(
    {
      id: text(),
      name: text().nullable(),
      documentation: text().nullable(),
      properties: jsonb().nullable(),
      relationTypeId: text(),
      sourceId: text(),
      targetId: text(),
      modelPackageId: text(),
      validFrom: momentOfCreation(),
      validTo: moment().nullable(),
      versionId: text().note(HISTORY),
    },
    {
      key: ['id'],
      references: [
        { on: ['sourceId'], to: 'Element', onDelete: 'RESTRICT' },
        { on: ['targetId'], to: 'Element', onDelete: 'RESTRICT' },
        { on: ['modelPackageId'], to: 'ModelPackage', onDelete: 'RESTRICT' },
      ],
      crossReferences: [{ on: ['relationTypeId'], to: 'metamodel.RelationType', onDelete: 'RESTRICT' }],
    },
  ),
  View: entity(
    {
      id: text(),
      name: text(),
      description: text().nullable(),
      content: jsonb().nullable().note('Nodes, edges and positions, often 10 kB to 1 MB, with ids of elements.'),
      modelPackageId: text(),
      folderId: text().nullable(),
      createdAt: momentOfCreation(),
      updatedAt: moment(),
    },
    {
      key: ['id'],
      references: [
        { on: ['modelPackageId'], to: 'ModelPackage', onDelete: 'RESTRICT' },
        { on: ['folderId'], to: 'Folder', onDelete: 'SET NULL' },
      ],
    },
  ),
})
