import { itemAt } from '../random.ts'
import { doubleAt, momentAt, proseAt, sparse } from '../values.ts'
import type { TableRows, World } from '../world.ts'

const TARGETS = [
  { type: 'ELEMENT', table: 'Element' },
  { type: 'RELATIONSHIP', table: 'Relationship' },
  { type: 'VIEW', table: 'View' },
] as const

/** The first thread's comments answer one another in a chain of this length. */
const LONGEST_CHAIN = 20

const commentThread: TableRows = {
  name: 'CommentThread',
  columns: [
    'id',
    'targetType',
    'targetId',
    'positionX',
    'positionY',
    'resolved',
    'resolvedAt',
    'resolvedById',
    'createdAt',
    'updatedAt',
  ],
  rows: (world) => {
    const [random, target, id] = [world.random('CommentThread'), targets(world), world.ids('CommentThread')]
    const userId = world.ids('User')
    return (ordinal) => {
      const resolved = ordinal % 4 < 2
      return [
        id(ordinal),
        itemAt(TARGETS, ordinal).type,
        target(ordinal),
        sparse(ordinal, 4, 5, (nth) => doubleAt(random, nth)),
        sparse(ordinal, 6, 7, (nth) => doubleAt(random, nth, 6)),
        resolved ? 't' : 'f',
        resolved ? momentAt(random, Math.floor(ordinal / 2)) : null,
        resolved && ordinal % 8 < 5 ? userId(random.below(world.sizes.User)) : null,
        momentAt(random, ordinal),
        momentAt(random, ordinal, 8),
      ]
    }
  },
}

/** No foreign key holds a target: one in ten is gone, and one in twenty is there, but as a thing of another kind. */
function targets(world: World): (ordinal: number) => string {
  const random = world.random('CommentThread targets')
  const gone = world.ids('gone')
  const ids = TARGETS.map(({ table }) => ({ id: world.ids(table), rows: world.sizes[table] }))
  return (ordinal) => {
    if (ordinal % 10 === 4) return gone(ordinal)
    const { id, rows } = itemAt(ids, ordinal % 20 === 9 ? ordinal + 1 : ordinal)
    return id(random.below(rows))
  }
}

const comment: TableRows = {
  name: 'Comment',
  columns: ['id', 'content', 'threadId', 'authorId', 'parentId', 'createdAt', 'updatedAt', 'deletedAt'],
  rows: (world) => {
    const { ids, sizes } = world
    const [random, id, threadId, userId] = [world.random('Comment'), ids('Comment'), ids('CommentThread'), ids('User')]
    return (ordinal) => {
      const parent = parentOf(ordinal, sizes.CommentThread)
      return [
        id(ordinal),
        proseAt(random, ordinal),
        threadId(threadOf(ordinal, sizes.CommentThread)),
        userId(random.below(sizes.User)),
        parent === null ? null : id(parent),
        momentAt(random, ordinal),
        momentAt(random, ordinal, 1),
        sparse(ordinal, 1, 3, (nth) => momentAt(random, nth)),
      ]
    }
  },
}

function threadOf(number: number, threads: number): number {
  return number < LONGEST_CHAIN ? 0 : 1 + ((number - LONGEST_CHAIN) % (threads - 1))
}

/** The number that it answers, of the same thread; none for a thread's first and for every third of the others. */
function parentOf(number: number, threads: number): number | null {
  const previous = number < LONGEST_CHAIN ? number - 1 : number - (threads - 1)
  if (number < LONGEST_CHAIN) return previous < 0 ? null : previous
  return previous >= LONGEST_CHAIN && number % 3 !== 0 ? previous : null
}

/** Two users in each comment that mentions any. */
const commentMention: TableRows = {
  name: 'CommentMention',
  columns: ['id', 'commentId', 'mentionedUserId', 'createdAt'],
  rows: (world) => {
    const { ids, sizes } = world
    const [random, id] = [world.random('CommentMention'), ids('CommentMention')]
    const [commentId, userId] = [ids('Comment'), ids('User')]
    return (ordinal) => [
      id(ordinal),
      commentId(Math.floor(ordinal / 2)),
      userId((ordinal * 7) % sizes.User),
      momentAt(random, ordinal),
    ]
  },
}

export const comments: readonly TableRows[] = [commentThread, comment, commentMention]
