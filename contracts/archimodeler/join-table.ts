import { entity } from '../language/entity.ts'
import { text } from '../language/types.ts'

/**
 * The table of one of Prisma's implicit many-to-many relations. It has no primary key: a unique index over the pair
 * tells its rows apart. Column A refers to the entity whose name sorts first.
 * @param a the entity that column A refers to, in the same service.
 * @param b the entity that column B refers to, in the same service.
 */
export function joinTable(table: string, a: string, b: string) {
  return entity(
    { A: text(), B: text() },
    {
      key: ['A', 'B'],
      keyAs: 'unique index',
      keyName: `${table}_AB_unique`,
      indexes: [{ on: ['B'], name: `${table}_B_index` }],
      references: [
        { on: ['A'], to: a, onDelete: 'CASCADE' },
        { on: ['B'], to: b, onDelete: 'CASCADE' },
      ],
    },
  )
}
