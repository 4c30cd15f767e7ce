import { entity, service } from '../language/entity.ts'
import { boolean, enumeration, jsonb, text } from '../language/types.ts'
import { moment, momentOfCreation } from './prisma-columns.ts'

const notificationType = enumeration('NotificationType', [
  'CHANGE_REQUEST_CREATED',
  'CHANGE_REQUEST_APPROVED',
  'CHANGE_REQUEST_REJECTED',
  'CHANGE_REQUEST_PUBLISHED',
  'ELEMENT_CREATED',
  'ELEMENT_UPDATED',
  'RELATIONSHIP_CREATED',
  'VIEW_CREATED',
  'VIEW_UPDATED',
  'SYSTEM_ALERT',
  'COLLABORATION_INVITE',
  'CHAT_MESSAGE',
  'COMMENT_CREATED',
  'COMMENT_REPLY',
  'COMMENT_MENTION',
  'COMMENT_RESOLVED',
])

const notificationSeverity = enumeration('NotificationSeverity', ['INFO', 'WARNING', 'ERROR', 'SUCCESS'])

export const notifications = service({
  Notification: entity(
    {
      id: text(),
      type: notificationType(),
      severity: notificationSeverity().default("'INFO'"),
      title: text(),
      message: text(),
      read: boolean().default('false'),
      userId: text(),
      metadata: jsonb()
        .nullable()
        .note('May name ids of any service, by free keys such as elementId: no rule tells which.'),
      createdAt: momentOfCreation(),
      readAt: moment().nullable(),
    },
    {
      key: ['id'],
      indexes: [{ on: ['userId', 'read'] }, { on: ['userId', 'createdAt'] }],
      crossReferences: [{ on: ['userId'], to: 'iam.User', onDelete: 'CASCADE' }],
    },
  ),
})
