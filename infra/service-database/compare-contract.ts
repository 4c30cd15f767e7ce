import type { TypeDefinition } from '../../contracts/language/column.ts'
import type {
  ContractColumn,
  ContractIndex,
  ContractReference,
  Entity,
  Service,
} from '../../contracts/language/contract-set.ts'
import { quoteIdentifier, quoteLiteral } from '../../contracts/language/quoting.ts'
import type { Catalog, CatalogColumn, CatalogIndex, CatalogReference, CatalogTable } from '../catalog/catalog.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import { referredEntity } from './ddl.ts'

export type DifferenceKind =
  | 'table missing'
  | 'not a table'
  | 'column missing'
  /** One that the contract does not have: `required` where a row cannot be inserted without it. */
  | 'column extra'
  | 'column extra and required'
  | 'column type'
  /** The database allows null where the contract does not, and the reverse. */
  | 'column nullable'
  | 'column not nullable'
  | 'column generated'
  | 'column identity'
  /** A label that the contract does not know, and one that the database does not know. */
  | 'label unknown'
  | 'label missing'
  | 'label order'
  | 'key missing'
  | 'key invalid'
  | 'key deferrable'
  | 'index missing'
  | 'index invalid'
  | 'foreign key missing'
  | 'foreign key invalid'

/** How a database differs from a contract. Who compares decides what of it is an error. */
export interface Difference {
  readonly kind: DifferenceKind
  /** The column, index, foreign key or type by name; null where the table itself is meant. */
  readonly name: string | null
  /** One sentence that names the thing. */
  readonly text: string
}

type Enums = Catalog['enums']

const KIND_NAMES: Readonly<Record<string, string>> = {
  p: 'a partitioned table',
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
  i: 'an index',
  I: 'a partitioned index',
  S: 'a sequence',
  c: 'a composite type',
}

/**
 * How a table differs from its entity in what rows need: columns, types, enum labels and the key. Defaults are not
 * compared: they play no part in carrying rows over.
 * @param table undefined where no table has the entity's name.
 */
export function contractDifferences(entity: Entity, table: CatalogTable | undefined, enums: Enums): Difference[] {
  const name = tableSql(entity)
  if (table === undefined) return [difference('table missing', null, `Table ${name} does not exist.`)]
  if (table.kind !== 'r')
    return [
      difference('not a table', null, `${name} is ${KIND_NAMES[table.kind] ?? 'no table'}, not an ordinary table.`),
    ]
  const actual = new Map(table.columns.map((column) => [column.name, column]))
  const known = new Set(entity.columns.map((column) => column.name))
  return [
    ...entity.columns.flatMap((column) => columnDifferences(name, column, actual.get(column.name))),
    ...table.columns.filter((column) => !known.has(column.name)).map((column) => extraColumn(name, column)),
    ...enumTypes(entity).flatMap((type) => labelDifferences(type, enums)),
    ...keyDifferences(entity, table),
  ]
}

/**
 * How an enum's labels differ from the contract's; nothing for a type that is no enum, or that does not exist.
 */
export function labelDifferences(type: TypeDefinition, enums: Enums): Difference[] {
  const [wanted, actual] = [type.labels, enums.get(type.name)]
  if (wanted === undefined || actual === undefined) return []
  const about = (kind: DifferenceKind, text: string): Difference =>
    difference(kind, type.name, `Enum ${type.name} ${text}.`)
  const unknown = actual.filter((label) => !wanted.includes(label))
  const missing = wanted.filter((label) => !actual.includes(label))
  const common = wanted.filter((label) => actual.includes(label))
  const inOrder = actual.filter((label) => wanted.includes(label)).every((label, place) => label === common[place])
  return [
    ...(unknown.length > 0
      ? [about('label unknown', `has ${labelList(unknown)}, which the contract does not know`)]
      : []),
    ...(missing.length > 0 ? [about('label missing', `lacks ${labelList(missing)}, which the contract has`)] : []),
    ...(inOrder ? [] : [about('label order', 'has its labels in another order than the contract, and sorts by it')]),
  ]
}

/**
 * How a service's table differs from its entity in key, indexes and foreign keys: by columns and uniqueness, not by
 * name. A primary key serves as a unique index and the reverse, as a unique index serves as a plain one.
 */
export function structureDifferences(service: Service, entity: Entity, table: CatalogTable | undefined): Difference[] {
  if (table === undefined) return [difference('table missing', null, `Table ${tableSql(entity)} does not exist.`)]
  return [
    ...keyDifferences(entity, table),
    ...entity.indexes.flatMap((index) => indexDifferences(entity, table, index)),
    ...entity.references.flatMap((reference) => referenceDifferences(service, entity, table, reference)),
  ]
}

/** The index that tells rows apart by exactly these columns; the best one where there are several. */
export function uniqueIndexOver(table: CatalogTable, columns: readonly string[]): CatalogIndex | undefined {
  const fitting = table.indexes.filter((index) => index.unique && isWhole(index) && sameSet(index.columns, columns))
  return best(fitting)
}

function best(indexes: readonly CatalogIndex[]): CatalogIndex | undefined {
  return indexes.find((index) => isUsable(index) && index.immediate) ?? indexes.find(isUsable) ?? indexes[0]
}

function isWhole(index: CatalogIndex): boolean {
  return !index.partial && !index.hasExpressions
}

function isUsable(index: CatalogIndex): boolean {
  return index.valid && index.ready
}

function columnDifferences(table: string, wanted: ContractColumn, actual: CatalogColumn | undefined): Difference[] {
  const about = (kind: DifferenceKind, text: string): Difference =>
    difference(kind, wanted.name, `Column ${quoteIdentifier(wanted.name)} of table ${table} ${text}.`)
  if (actual === undefined) return [about('column missing', 'does not exist')]
  const found: Difference[] = []
  if (actual.type !== wanted.type)
    found.push(about('column type', `is of type ${actual.type}, where the contract has ${wanted.type}`))
  if (!actual.notNull && !wanted.nullable)
    found.push(about('column nullable', 'may be null, where the contract has NOT NULL'))
  if (actual.refusesNull && wanted.nullable)
    found.push(about('column not nullable', 'is NOT NULL, where the contract allows null'))
  if (actual.generated !== (wanted.generated !== undefined))
    found.push(
      about(
        'column generated',
        actual.generated ? 'is generated, in the contract it is not' : 'is not generated, in the contract it is',
      ),
    )
  if (actual.identity !== (wanted.identity ?? null))
    found.push(
      about(
        'column identity',
        `is ${identityText(actual.identity)}, where the contract has ${identityText(wanted.identity ?? null)}`,
      ),
    )
  return found
}

function identityText(identity: CatalogColumn['identity']): string {
  return identity === null ? 'no identity column' : `an identity column (${identity})`
}

function extraColumn(table: string, column: CatalogColumn): Difference {
  const required = column.refusesNull && column.expression === null && column.identity === null
  const text = `Column ${quoteIdentifier(column.name)} of table ${table} is not in the contract.`
  return difference(required ? 'column extra and required' : 'column extra', column.name, text)
}

function enumTypes(entity: Entity): TypeDefinition[] {
  const types = entity.columns.flatMap(({ requires }) => requires)
  return [...new Map(types.map((type) => [type.name, type])).values()]
}

function labelList(labels: readonly string[]): string {
  return `the label${labels.length > 1 ? 's' : ''} ${labels.map(quoteLiteral).join(', ')}`
}

function keyDifferences(entity: Entity, table: CatalogTable): Difference[] {
  const index = uniqueIndexOver(table, entity.key)
  const key = `(${entity.key.map(quoteIdentifier).join(', ')}) of table ${tableSql(entity)}`
  if (index === undefined)
    return [
      difference('key missing', null, `The key ${key} has no primary key or unique index over exactly these columns.`),
    ]
  if (!isUsable(index))
    return [difference('key invalid', index.name, `Index ${quoteIdentifier(index.name)} of the key ${key} is INVALID.`)]
  if (!index.immediate)
    return [difference('key deferrable', index.name, `The constraint of the key ${key} is DEFERRABLE.`)]
  return []
}

function indexDifferences(entity: Entity, table: CatalogTable, wanted: ContractIndex): Difference[] {
  const fits = ({ columns }: CatalogIndex): boolean => sameList(columns, wanted.on)
  const found = wanted.unique
    ? uniqueIndexOver(table, wanted.on)
    : best(table.indexes.filter((index) => isWhole(index) && fits(index)))
  const columns = `(${wanted.on.map(quoteIdentifier).join(', ')}) of table ${tableSql(entity)}`
  const kind = wanted.unique ? 'unique index' : 'index'
  if (found === undefined) return [difference('index missing', wanted.name, `There is no ${kind} over ${columns}.`)]
  if (isUsable(found)) return []
  return [difference('index invalid', found.name, `Index ${quoteIdentifier(found.name)} over ${columns} is INVALID.`)]
}

function referenceDifferences(
  service: Service,
  entity: Entity,
  table: CatalogTable,
  wanted: ContractReference,
): Difference[] {
  const target = referredEntity(service, wanted)
  const fitting = table.references.filter((actual) => isReference(actual, wanted, target))
  const found = fitting.find(({ validated }) => validated) ?? fitting[0]
  const columns = `(${wanted.on.map(quoteIdentifier).join(', ')}) of table ${tableSql(entity)}`
  const actions = `ON DELETE ${wanted.onDelete} ON UPDATE ${wanted.onUpdate}`
  if (found === undefined) {
    const text = `There is no foreign key from ${columns} to ${tableSql(target)} ${actions}.`
    return [difference('foreign key missing', wanted.name, text)]
  }
  if (found.validated) return []
  const text = `Foreign key ${quoteIdentifier(found.name)} from ${columns} to ${tableSql(target)} is NOT VALID.`
  return [difference('foreign key invalid', found.name, text)]
}

function isReference(actual: CatalogReference, wanted: ContractReference, target: Entity): boolean {
  const pairs = (from: readonly string[], to: readonly string[]): string[] =>
    from.map((column, place) => JSON.stringify([column, to[place]]))
  return (
    actual.to.schema === target.schema &&
    actual.to.table === target.table &&
    actual.onDelete === wanted.onDelete &&
    actual.onUpdate === wanted.onUpdate &&
    sameSet(pairs(actual.columns, actual.toColumns), pairs(wanted.on, wanted.toColumns))
  )
}

function sameList(actual: readonly (string | null)[], wanted: readonly string[]): boolean {
  return actual.length === wanted.length && actual.every((name, place) => name === wanted[place])
}

/** The order of a unique index's columns plays no part in what it tells apart. */
function sameSet(actual: readonly (string | null)[], wanted: readonly string[]): boolean {
  return actual.length === wanted.length && wanted.every((name) => actual.includes(name))
}

function difference(kind: DifferenceKind, name: string | null, text: string): Difference {
  return { kind, name, text }
}
