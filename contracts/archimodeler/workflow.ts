import { entity, service } from '../language/entity.ts'
import { text } from '../language/types.ts'
import { moment, momentOfCreation } from './prisma-columns.ts'
import { workflowStatus } from './workflow-status.ts'

export const workflow = service({
  ChangeRequest: entity(
    {
      id: text(),
      title: text(),
      description: text().nullable(),
      status: workflowStatus().default("'IN_REVIEW'"),
      modelPackageId: text(),
      requesterId: text(),
      reviewerId: text().nullable(),
      createdAt: momentOfCreation(),
      updatedAt: moment(),
    },
    {
      key: ['id'],
      crossReferences: [
        { on: ['modelPackageId'], to: 'modeling.ModelPackage', onDelete: 'RESTRICT' },
        { on: ['requesterId'], to: 'iam.User', onDelete: 'RESTRICT' },
        { on: ['reviewerId'], to: 'iam.User', onDelete: 'SET NULL' },
      ],
    },
  ),
})
