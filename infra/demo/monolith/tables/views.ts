import type { Cell } from '../copy-text.ts'
import type { Random } from '../random.ts'
import { documentAt, momentAt, nameAt, proseAt, sparse } from '../values.ts'
import type { TableRows, World } from '../world.ts'
import { packageOf } from './packages.ts'

/** The text of one in so many views is just above a megabyte; the others' sizes spread evenly by their logarithm. */
const LARGEST_EVERY = 500
const LARGEST_BYTES = 1_050_000
const LARGE_BYTES = 100_000
const SMALL_BYTES = 10_000

const view: TableRows = {
  name: 'View',
  columns: ['id', 'name', 'description', 'content', 'modelPackageId', 'folderId', 'createdAt', 'updatedAt'],
  rows: (world) => {
    const { ids, sizes } = world
    const [random, content, id] = [world.random('View'), contents(world), ids('View')]
    const [packageId, folderId] = [ids('ModelPackage'), ids('Folder')]
    return (ordinal) => {
      const folder = random.below(sizes.Folder)
      return [
        id(ordinal),
        nameAt(random, ordinal, 9),
        sparse(ordinal, 3, 4, (nth) => proseAt(random, nth)),
        content(ordinal),
        packageId(packageOf(folder, sizes.ModelPackage)),
        sparse(ordinal, 6, 7, () => folderId(folder)),
        momentAt(random, ordinal),
        momentAt(random, ordinal, 7),
      ]
    }
  },
}

function contents(world: World): (ordinal: number) => Cell {
  const random = world.random('View content')
  const nodes = nodesOf(world, random)
  return (ordinal) => {
    if (ordinal % LARGEST_EVERY === 0) return diagram(nodes, LARGEST_BYTES)
    if (ordinal % 16 === 5) return null
    const bytes = Math.floor(SMALL_BYTES * (LARGE_BYTES / SMALL_BYTES) ** (random.below(1000) / 1000))
    return ordinal % 16 === 11
      ? documentAt(random, Math.floor(ordinal / 16), 0, () => '{"nodes": [], "edges": []}')
      : diagram(nodes, bytes)
  }
}

/** The random ids make it compress badly, so that PostgreSQL stores it out of line (TOAST). */
function diagram(node: () => string, bytes: number): string {
  let nodes = node()
  while (nodes.length < bytes) nodes += `, ${node()}`
  return `{"zoom": 1.25, "nodes": [${nodes}]}`
}

function nodesOf({ ids, sizes }: World, random: Random): () => string {
  const [nodeId, elementId, relationshipId] = [ids('View node'), ids('Element'), ids('Relationship')]
  let made = 0
  return () => {
    made += 1
    const [x, y] = [random.below(8_000_000) / 1024, random.below(8_000_000) / 1024]
    return (
      `{"id": "${nodeId(made)}", "elementId": "${elementId(random.below(sizes.Element))}", "position": {"x": ${x}, ` +
      `"y": ${y}}, "edge": "${relationshipId(random.below(sizes.Relationship))}", "style": ${random.below(9)}}`
    )
  }
}

export const views: readonly TableRows[] = [view]
