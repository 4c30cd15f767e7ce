import { entity, service } from '../language/entity.ts'
import { text } from '../language/types.ts'
import { momentOfCreation } from './prisma-columns.ts'

export const chat = service({
  ChatMessage: entity(
    { id: text(), fromId: text(), toId: text(), message: text(), createdAt: momentOfCreation() },
    {
      key: ['id'],
      indexes: [{ on: ['fromId', 'toId', 'createdAt'] }, { on: ['toId', 'fromId', 'createdAt'] }],
      crossReferences: [
        { on: ['fromId'], to: 'iam.User', onDelete: 'CASCADE' },
        { on: ['toId'], to: 'iam.User', onDelete: 'CASCADE' },
      ],
    },
  ),
})
