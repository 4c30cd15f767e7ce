import { AWKWARD_TEXTS } from '../awkward-texts.ts'
import type { Random } from '../random.ts'
import { documentAt, nameAt, proseAt, sparse } from '../values.ts'
import type { TableRows } from '../world.ts'
import { packageOf } from './packages.ts'
import { versions } from './versions.ts'

const element: TableRows = {
  name: 'Element',
  columns: [
    'id',
    'name',
    'documentation',
    'properties',
    'conceptTypeId',
    'modelPackageId',
    'folderId',
    'validFrom',
    'validTo',
    'versionId',
    'externalId',
    'dataSourceId',
  ],
  rows: (world) => {
    const { ids, sizes } = world
    const [random, history, id] = [world.random('Element'), versions(world, 'Element'), ids('Element')]
    const [conceptTypeId, packageId, folderId] = [ids('ConceptType'), ids('ModelPackage'), ids('Folder')]
    const dataSourceId = ids('DataSource')
    return (ordinal) => {
      const { versionId, validFrom, validTo } = history.next().value
      const folder = random.below(sizes.Folder)
      return [
        id(ordinal),
        nameAt(random, ordinal),
        sparse(ordinal, 3, 5, (nth) => proseAt(random, nth, 3)),
        sparse(ordinal, 5, 7, (nth) => documentAt(random, nth, 0, () => elementProperties(random))),
        conceptTypeId(random.below(sizes.ConceptType)),
        packageId(packageOf(folder, sizes.ModelPackage)),
        sparse(ordinal, 9, 10, () => folderId(folder)),
        validFrom,
        validTo,
        versionId,
        sparse(ordinal, 4, 9, (nth) => externalId(random, nth)),
        sparse(ordinal, 3, 8, () => dataSourceId(random.below(sizes.DataSource))),
      ]
    }
  },
}

function elementProperties(random: Random): string {
  return `{"owner": "équipe ${random.below(40)}", "criticality": ${random.below(5)}, "cost": ${random.below(1e7) / 100}}`
}

function externalId(random: Random, ordinal: number): string {
  return ordinal < AWKWARD_TEXTS.length ? nameAt(random, ordinal) : `CMDB-${random.below(1e9)}`
}

const relationship: TableRows = {
  name: 'Relationship',
  columns: [
    'id',
    'name',
    'documentation',
    'properties',
    'relationTypeId',
    'sourceId',
    'targetId',
    'modelPackageId',
    'validFrom',
    'validTo',
    'versionId',
  ],
  rows: (world) => {
    const { ids, sizes } = world
    const [random, history, id] = [world.random('Relationship'), versions(world, 'Relationship'), ids('Relationship')]
    const [relationTypeId, elementId, packageId] = [ids('RelationType'), ids('Element'), ids('ModelPackage')]
    return (ordinal) => {
      const { versionId, validFrom, validTo } = history.next().value
      return [
        id(ordinal),
        sparse(ordinal, 4, 6, (nth) => nameAt(random, nth)),
        sparse(ordinal, 2, 7, (nth) => proseAt(random, nth)),
        sparse(ordinal, 4, 9, (nth) => documentAt(random, nth, 8, () => relationshipProperties(random))),
        relationTypeId(random.below(sizes.RelationType)),
        elementId(random.below(sizes.Element)),
        elementId(random.below(sizes.Element)),
        packageId(random.below(sizes.ModelPackage)),
        validFrom,
        validTo,
        versionId,
      ]
    }
  },
}

function relationshipProperties(random: Random): string {
  return `{"protocol": "HTTPS", "volume": ${random.below(100_000)}, "critical": ${random.below(2) === 0}}`
}

export const elements: readonly TableRows[] = [element, relationship]
