import { itemAt } from '../random.ts'
import { momentAt, nameAt, proseAt, sparse } from '../values.ts'
import type { TableRows } from '../world.ts'

const STATUSES = ['DRAFT', 'IN_REVIEW', 'APPROVED', 'PUBLISHED', 'ARCHIVED']

/** In each package the first folders stand one inside the other, this deep. */
const DEEPEST = 12

/** The package of a folder: they are dealt out in turn. */
export function packageOf(folder: number, packages: number): number {
  return folder % packages
}

const modelPackage: TableRows = {
  name: 'ModelPackage',
  columns: ['id', 'name', 'description', 'status', 'createdAt', 'updatedAt'],
  rows: (world) => {
    const [random, id] = [world.random('ModelPackage'), world.ids('ModelPackage')]
    return (ordinal) => [
      id(ordinal),
      nameAt(random, ordinal, 20),
      sparse(ordinal, 2, 3, (nth) => proseAt(random, nth, 24)),
      itemAt(STATUSES, ordinal),
      momentAt(random, ordinal),
      momentAt(random, ordinal, 6),
    ]
  },
}

/** Stored from the last to the first, so that most children come before their parents. */
const folder: TableRows = {
  name: 'Folder',
  columns: ['id', 'name', 'parentId', 'modelPackageId', 'createdAt', 'updatedAt'],
  rows: (world) => {
    const [random, id, packageId] = [world.random('Folder'), world.ids('Folder'), world.ids('ModelPackage')]
    const { Folder: folders, ModelPackage: packages } = world.sizes
    return (ordinal) => {
      const number = folders - 1 - ordinal
      const level = Math.floor(number / packages)
      const parent = level < DEEPEST ? level - 1 : random.below(level)
      return [
        id(number),
        nameAt(random, ordinal),
        parent < 0 ? null : id(parent * packages + packageOf(number, packages)),
        packageId(packageOf(number, packages)),
        momentAt(random, ordinal),
        momentAt(random, ordinal, 3),
      ]
    }
  },
}

export const packages: readonly TableRows[] = [modelPackage, folder]
