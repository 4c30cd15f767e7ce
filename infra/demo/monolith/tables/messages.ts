import { itemAt } from '../random.ts'
import { documentAt, momentAt, nameAt, plainName, proseAt, sparse } from '../values.ts'
import type { TableName, TableRows, World } from '../world.ts'

const TYPES = [
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
]

const SEVERITIES = ['INFO', 'WARNING', 'ERROR', 'SUCCESS']

const STATUSES = ['IN_REVIEW', 'APPROVED', 'PUBLISHED', 'ARCHIVED', 'DRAFT']

/** What a notification's metadata may name, by the key under which it does: things of every service. */
const NAMED: Readonly<Record<string, TableName>> = {
  elementId: 'Element',
  changeRequestId: 'ChangeRequest',
  viewId: 'View',
  relationshipId: 'Relationship',
  threadId: 'CommentThread',
  commentId: 'Comment',
  userId: 'User',
  dataSourceId: 'DataSource',
  stereotypeId: 'Stereotype',
  conceptTypeId: 'ConceptType',
  messageId: 'ChatMessage',
}

const notification: TableRows = {
  name: 'Notification',
  columns: ['id', 'type', 'severity', 'title', 'message', 'read', 'userId', 'metadata', 'createdAt', 'readAt'],
  rows: (world) => {
    const [random, metadata, id] = [world.random('Notification'), metadataOf(world), world.ids('Notification')]
    const userId = world.ids('User')
    return (ordinal) => {
      const read = ordinal % 3 !== 0
      return [
        id(ordinal),
        itemAt(TYPES, ordinal),
        itemAt(SEVERITIES, Math.floor(ordinal / TYPES.length)),
        nameAt(random, ordinal),
        proseAt(random, ordinal, 11),
        read ? 't' : 'f',
        userId(random.below(world.sizes.User)),
        sparse(ordinal, 5, 6, (nth) => documentAt(random, nth, 0, () => metadata(ordinal))),
        momentAt(random, ordinal),
        read && ordinal % 7 !== 6 ? momentAt(random, ordinal, 5) : null,
      ]
    }
  },
}

function metadataOf(world: World): (ordinal: number) => string {
  const random = world.random('Notification metadata')
  const named = Object.entries(NAMED).map(([key, table]) => ({ key, id: world.ids(table), rows: world.sizes[table] }))
  return (ordinal) => {
    const [one, other] = [itemAt(named, ordinal), itemAt(named, ordinal + 3)]
    const label = JSON.stringify(plainName(random))
    const ids = [one, other].map(({ key, id, rows }) => `"${key}": "${id(random.below(rows))}"`).join(', ')
    return `{${ids}, "label": ${label}, "sequence": 90071992547409${random.below(90) + 10}}`
  }
}

const changeRequest: TableRows = {
  name: 'ChangeRequest',
  columns: [
    'id',
    'title',
    'description',
    'status',
    'modelPackageId',
    'requesterId',
    'reviewerId',
    'createdAt',
    'updatedAt',
  ],
  rows: (world) => {
    const { ids, sizes } = world
    const [random, id] = [world.random('ChangeRequest'), ids('ChangeRequest')]
    const [packageId, userId] = [ids('ModelPackage'), ids('User')]
    return (ordinal) => [
      id(ordinal),
      nameAt(random, ordinal),
      sparse(ordinal, 3, 4, (nth) => proseAt(random, nth, 2)),
      itemAt(STATUSES, ordinal),
      packageId(random.below(sizes.ModelPackage)),
      userId(random.below(sizes.User)),
      sparse(ordinal, 2, 3, () => userId(random.below(sizes.User))),
      momentAt(random, ordinal),
      momentAt(random, ordinal, 3),
    ]
  },
}

const chatMessage: TableRows = {
  name: 'ChatMessage',
  columns: ['id', 'fromId', 'toId', 'message', 'createdAt'],
  rows: (world) => {
    const { ids, sizes } = world
    const [random, id, userId] = [world.random('ChatMessage'), ids('ChatMessage'), ids('User')]
    return (ordinal) => [
      id(ordinal),
      userId(random.below(sizes.User)),
      userId(random.below(sizes.User)),
      proseAt(random, ordinal),
      momentAt(random, ordinal),
    ]
  },
}

export const messages: readonly TableRows[] = [notification, changeRequest, chatMessage]
