import { entity, service } from '../language/entity.ts'
import { text } from '../language/types.ts'
import { joinTable } from './join-table.ts'
import { moment, momentOfCreation } from './prisma-columns.ts'

export const iam = service({
  User: entity(
    {
      id: text(),
      email: text(),
      password: text().secret().note('A bcrypt hash.'),
      name: text().nullable(),
      locale: text().nullable().default("'en'"),
      createdAt: momentOfCreation(),
      updatedAt: moment(),
    },
    { key: ['id'], unique: [{ on: ['email'] }] },
  ),
  Role: entity(
    { id: text(), name: text(), description: text().nullable() },
    { key: ['id'], unique: [{ on: ['name'] }] },
  ),
  Permission: entity(
    { id: text(), name: text(), description: text().nullable() },
    { key: ['id'], unique: [{ on: ['name'] }] },
  ),
  Group: entity({ id: text(), name: text() }, { key: ['id'], unique: [{ on: ['name'] }] }),
  _RoleToUser: joinTable('_RoleToUser', 'Role', 'User'),
  _PermissionToRole: joinTable('_PermissionToRole', 'Permission', 'Role'),
  _GroupToUser: joinTable('_GroupToUser', 'Group', 'User'),
})
