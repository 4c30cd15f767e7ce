import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { comments } from '../../contracts/archimodeler/comments.ts'
import archimodeler from '../../contracts/archimodeler/contract-set.ts'
import type { modeling } from '../../contracts/archimodeler/modeling.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import type { Row } from '../../contracts/language/row.ts'

const entities = archimodeler.services.flatMap((service) => service.entities.map((entity) => ({ service, entity })))

test('there are ten services, in the order in which they are migrated, and thirty tables', () => {
  assert.is(
    archimodeler.services.map(({ name, entities: { length } }) => `${name} ${length}`).join(', '),
    'iam 7, modeling 5, comments 3, notifications 1, workflow 1, stereotypes 5, connectors 1, settings 1, metamodel 5, chat 1',
  )
  assert.is(entities.length, 30)
  assert.equal(archimodeler.leftBehind, ['_prisma_migrations'])
})

test('sixteen foreign-key columns of the monolith cross services', () => {
  const crossing = entities.flatMap(({ service, entity }) =>
    entity.crossReferences
      .filter(({ onDelete }) => onDelete !== null)
      .map(({ on, toService, toEntity, onDelete }) => {
        return `${service.name}.${entity.name}.${on.join()} -> ${toService}.${toEntity} ${onDelete}`
      }),
  )
  assert.equal(crossing.sort(), [
    'chat.ChatMessage.fromId -> iam.User CASCADE',
    'chat.ChatMessage.toId -> iam.User CASCADE',
    'comments.Comment.authorId -> iam.User CASCADE',
    'comments.CommentMention.mentionedUserId -> iam.User CASCADE',
    'comments.CommentThread.resolvedById -> iam.User SET NULL',
    'modeling.Element.conceptTypeId -> metamodel.ConceptType RESTRICT',
    'modeling.Element.dataSourceId -> connectors.DataSource SET NULL',
    'modeling.Relationship.relationTypeId -> metamodel.RelationType RESTRICT',
    'notifications.Notification.userId -> iam.User CASCADE',
    'stereotypes.ElementStereotype.elementId -> modeling.Element CASCADE',
    'stereotypes.RelationshipStereotype.relationshipId -> modeling.Relationship CASCADE',
    'stereotypes.StereotypeConceptType.conceptTypeId -> metamodel.ConceptType CASCADE',
    'stereotypes.StereotypeRelationType.relationTypeId -> metamodel.RelationType CASCADE',
    'workflow.ChangeRequest.modelPackageId -> modeling.ModelPackage RESTRICT',
    'workflow.ChangeRequest.requesterId -> iam.User RESTRICT',
    'workflow.ChangeRequest.reviewerId -> iam.User SET NULL',
  ])
})

test('a comment thread names an element, a relationship or a view, by a value that no foreign key ever held', () => {
  const loose = entities.flatMap(({ entity }) => entity.crossReferences.filter(({ onDelete }) => onDelete === null))
  assert.equal(
    loose.map(({ on, when, toService, toEntity }) => [on, when, `${toService}.${toEntity}`]),
    [
      [['targetId'], { column: 'targetType', equals: 'ELEMENT' }, 'modeling.Element'],
      [['targetId'], { column: 'targetType', equals: 'RELATIONSHIP' }, 'modeling.Relationship'],
      [['targetId'], { column: 'targetType', equals: 'VIEW' }, 'modeling.View'],
    ],
  )
})

test('passwords, credentials and settings are secret', () => {
  const secrets = entities.flatMap(({ service, entity }) =>
    entity.columns.filter(({ secret }) => secret).map(({ name }) => `${service.name}.${entity.name}.${name}`),
  )
  assert.equal(secrets, ['iam.User.password', 'connectors.DataSource.config', 'settings.SystemSetting.value'])
})

test('modeling and workflow each have a copy of WorkflowStatus, and no service has a type that it does not use', () => {
  assert.equal(archimodeler.services.filter(({ types }) => types.length > 0).map(typesOf), [
    ['modeling', 'public."WorkflowStatus"'],
    ['comments', 'public."CommentTargetType"'],
    ['notifications', 'public."NotificationType"', 'public."NotificationSeverity"'],
    ['workflow', 'public."WorkflowStatus"'],
  ])
})

function typesOf({ name, types }: Service): string[] {
  return [name, ...types.map((type) => type.name)]
}

test('the five join tables have no primary key, and a unique index over their pair tells rows apart', () => {
  const joins = entities.map(({ entity }) => entity).filter(({ keyAs }) => keyAs === 'unique index')
  assert.equal(
    joins.map(({ name, key, keyName, indexes }) => [name, key.join(), keyName, ...indexes.map((index) => index.name)]),
    ['_RoleToUser', '_PermissionToRole', '_GroupToUser', '_SourceRules', '_TargetRules'].map((table) => [
      table,
      'A,B',
      `${table}_AB_unique`,
      `${table}_B_index`,
    ]),
  )
})

test('the type of a row follows from its contract', () => {
  const position: Pick<Row<typeof comments.CommentThread>, 'targetType' | 'positionX' | 'resolved'> = {
    targetType: 'VIEW',
    positionX: null,
    resolved: false,
  }
  assert.is(position.resolved, false)
  // @ts-expect-error DIAGRAM is no label of the enum.
  const unknownLabel: Row<typeof comments.CommentThread>['targetType'] = 'DIAGRAM'
  // @ts-expect-error A relationship's ends are never null.
  const missingEnd: Row<typeof modeling.Relationship>['sourceId'] = null
  // @ts-expect-error There is no such column.
  const unknownColumn: keyof Row<typeof modeling.View> = 'contents'
  assert.equal([unknownLabel, missingEnd, unknownColumn], ['DIAGRAM', null, 'contents'])
})

test.run()
