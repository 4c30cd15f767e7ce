import { AWKWARD_TEXTS } from '../awkward-texts.ts'
import { itemAt, type Random } from '../random.ts'
import { momentAt, nameAt, proseAt, sparse } from '../values.ts'
import type { TableRows } from '../world.ts'

const BCRYPT_ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const BCRYPT_CHARACTERS = 53

/** Addresses that become one if anything folds case, trims or normalises: the unique index would then refuse them. */
const AWKWARD_EMAILS = [
  'jos\u00e9@exemple.fr',
  'jose\u0301@exemple.fr',
  'jose@exemple.fr',
  'JOSE@exemple.fr',
  ' jose@exemple.fr',
  '"a b\\c"@exemple.fr',
  'محمد@مثال.إختبار',
]

const LOCALES = ['en', 'fr', 'ar', '', 'fr-MA']

const ROLES = ['Admin', 'Architecte', 'Reviewer', 'Lecteur', 'Mod\u00e9lisateur', 'Mode\u0301lisateur', 'مدير', '\\N']

const SUBJECTS = ['element', 'relationship', 'view', 'comment', 'stereotype', 'user', 'connector', 'setting']
const ACTIONS = ['read', 'write', 'delete']

const user: TableRows = {
  name: 'User',
  columns: ['id', 'email', 'password', 'name', 'locale', 'createdAt', 'updatedAt'],
  rows: (world) => {
    const [random, id] = [world.random('User'), world.ids('User')]
    return (ordinal) => [
      id(ordinal),
      AWKWARD_EMAILS[ordinal] ?? `user.${ordinal}@exemple.fr`,
      bcryptHash(random),
      sparse(ordinal, 5, 6, (nth) => nameAt(random, nth)),
      sparse(ordinal, 9, 10, (nth) => itemAt(LOCALES, nth)),
      momentAt(random, ordinal),
      momentAt(random, ordinal, 5),
    ]
  },
}

/** It looks like a hash, and is none: no password leads to it. */
function bcryptHash(random: Random): string {
  let hash = '$2b$10$'
  for (let character = 0; character < BCRYPT_CHARACTERS; character += 1)
    hash += BCRYPT_ALPHABET[random.below(BCRYPT_ALPHABET.length)]
  return hash
}

const role: TableRows = {
  name: 'Role',
  columns: ['id', 'name', 'description'],
  rows: (world) => {
    const [random, id] = [world.random('Role'), world.ids('Role')]
    return (ordinal) => [id(ordinal), itemAt(ROLES, ordinal), sparse(ordinal, 2, 3, (nth) => proseAt(random, nth, 4))]
  },
}

const permission: TableRows = {
  name: 'Permission',
  columns: ['id', 'name', 'description'],
  rows: (world) => {
    const [random, id] = [world.random('Permission'), world.ids('Permission')]
    return (ordinal) => [
      id(ordinal),
      `${itemAt(SUBJECTS, ordinal)}:${itemAt(ACTIONS, Math.floor(ordinal / SUBJECTS.length))}`,
      sparse(ordinal, 3, 4, (nth) => proseAt(random, nth, 12)),
    ]
  },
}

const group: TableRows = {
  name: 'Group',
  columns: ['id', 'name'],
  rows: (world) => {
    const id = world.ids('Group')
    return (ordinal) => [id(ordinal), AWKWARD_TEXTS[ordinal + 10] ?? `Équipe ${ordinal}`]
  },
}

/** Each user has one role or group, and every second user another. */
function memberships(name: '_RoleToUser' | '_GroupToUser', of: 'Role' | 'Group'): TableRows {
  return {
    name,
    columns: ['A', 'B'],
    rows: ({ ids, sizes }) => {
      const [id, userId] = [ids(of), ids('User')]
      return (ordinal) => {
        const second = ordinal >= sizes.User
        const member = second ? (ordinal - sizes.User) * 2 : ordinal
        return [id((member + (second ? 3 : 0)) % sizes[of]), userId(member)]
      }
    },
  }
}

const permissionToRole: TableRows = {
  name: '_PermissionToRole',
  columns: ['A', 'B'],
  rows: ({ ids, sizes }) => {
    const [permissionId, roleId] = [ids('Permission'), ids('Role')]
    return (ordinal) => {
      const round = Math.floor(ordinal / sizes.Permission)
      return [permissionId(ordinal % sizes.Permission), roleId((ordinal + round * 2) % sizes.Role)]
    }
  },
}

export const iam: readonly TableRows[] = [
  user,
  role,
  permission,
  group,
  memberships('_RoleToUser', 'Role'),
  permissionToRole,
  memberships('_GroupToUser', 'Group'),
]
