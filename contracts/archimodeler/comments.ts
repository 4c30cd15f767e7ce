import { entity, service } from '../language/entity.ts'
import { boolean, doublePrecision, enumeration, text } from '../language/types.ts'
import { moment, momentOfCreation } from './prisma-columns.ts'

const commentTargetType = enumeration('CommentTargetType', ['ELEMENT', 'RELATIONSHIP', 'VIEW'])

export const comments = service({
  CommentThread: entity(
    {
      id: text(),
      targetType: commentTargetType(),
      targetId: text().note('No foreign key held it in the monolith either: its target may be gone.'),
      positionX: doublePrecision().nullable(),
      positionY: doublePrecision().nullable(),
      resolved: boolean().default('false'),
      resolvedAt: moment().nullable(),
      resolvedById: text().nullable(),
      createdAt: momentOfCreation(),
      updatedAt: moment(),
    },
    {
      key: ['id'],
      indexes: [{ on: ['targetType', 'targetId'] }, { on: ['resolved'] }],
      crossReferences: [
        { on: ['resolvedById'], to: 'iam.User', onDelete: 'SET NULL' },
        {
          on: ['targetId'],
          to: 'modeling.Element',
          when: { column: 'targetType', equals: 'ELEMENT' },
          onDelete: null,
        },
        {
          on: ['targetId'],
          to: 'modeling.Relationship',
          when: { column: 'targetType', equals: 'RELATIONSHIP' },
          onDelete: null,
        },
        { on: ['targetId'], to: 'modeling.View', when: { column: 'targetType', equals: 'VIEW' }, onDelete: null },
      ],
    },
  ),
  Comment: entity(
    {
      id: text(),
      content: text(),
      threadId: text(),
      authorId: text(),
      parentId: text().nullable(),
      createdAt: momentOfCreation(),
      updatedAt: moment(),
      deletedAt: moment().nullable(),
    },
    {
      key: ['id'],
      indexes: [{ on: ['threadId', 'createdAt'] }, { on: ['authorId'] }, { on: ['parentId'] }],
      references: [
        { on: ['threadId'], to: 'CommentThread', onDelete: 'CASCADE' },
        { on: ['parentId'], to: 'Comment', onDelete: 'CASCADE' },
      ],
      crossReferences: [{ on: ['authorId'], to: 'iam.User', onDelete: 'CASCADE' }],
    },
  ),
  CommentMention: entity(
    { id: text(), commentId: text(), mentionedUserId: text(), createdAt: momentOfCreation() },
    {
      key: ['id'],
      unique: [{ on: ['commentId', 'mentionedUserId'] }],
      indexes: [{ on: ['mentionedUserId'] }],
      references: [{ on: ['commentId'], to: 'Comment', onDelete: 'CASCADE' }],
      crossReferences: [{ on: ['mentionedUserId'], to: 'iam.User', onDelete: 'CASCADE' }],
    },
  ),
})
