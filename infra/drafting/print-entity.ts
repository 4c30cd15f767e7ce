import { objectName } from '../../contracts/language/object-name.ts'
import type { DraftColumn, DraftCrossReference, DraftEntity, DraftIndex, DraftKey, DraftReference } from './draft.ts'
import type { LanguageName } from './identifiers.ts'
import type { Layout } from './layout.ts'
import type { OwnType } from './monolith-facts.ts'
import { columnTypeSource, type TypeConstant, type TypeConstants } from './print-types.ts'
import {
  callSource,
  chainSource,
  type Item,
  listSource,
  objectSource,
  type Property,
  stringSource,
  stringsSource,
} from './source-text.ts'

/** A piece of a module, and what it needs from elsewhere. */
export interface Printed {
  readonly source: Layout
  readonly uses: readonly LanguageName[]
  readonly constants: readonly TypeConstant[]
}

const SECRET_COMMENT = 'Guessed to be a secret by its name: review.'

export function printEntity(
  entity: DraftEntity,
  types: ReadonlyMap<string, OwnType>,
  constants: TypeConstants,
): Printed {
  const columns = entity.columns.map((column) => ({ column, made: columnTypeSource(column, types, constants) }))
  const properties = columns.map(({ column, made }) => columnProperty(column, made.source))
  return {
    source: callSource('entity', [objectSource(properties), objectSource(ruleProperties(entity))]),
    uses: ['entity', ...columns.flatMap(({ made }) => made.uses)],
    constants: columns.flatMap(({ made }) => made.constants),
  }
}

function columnProperty(column: DraftColumn, made: Layout): Property {
  const { name, nullable, identity, isSecret, note, generated } = column
  const methods = [
    ...(nullable ? ['nullable()'] : []),
    ...(column.default === null ? [] : [callSource('default', [stringSource(column.default)])]),
    ...(identity === null ? [] : [callSource('identity', [stringSource(identity)])]),
    ...(isSecret ? ['secret()'] : []),
    ...(note === null ? [] : [callSource('note', [stringSource(note)])]),
    ...(generated === null ? [] : [callSource('generated', [stringSource(generated)])]),
  ]
  return { name, value: chainSource(made, methods), ...(isSecret ? { comment: SECRET_COMMENT } : {}) }
}

function ruleProperties(entity: DraftEntity): Property[] {
  const { name, schema, table, key } = entity
  return [
    { name: 'key', value: stringsSource(key.on) },
    ...(key.as === 'unique index' ? [{ name: 'keyAs', value: stringSource(key.as) }] : []),
    ...(key.name === derivedKeyName(table, key) ? [] : [{ name: 'keyName', value: stringSource(key.name) }]),
    ...(schema === 'public' ? [] : [{ name: 'schema', value: stringSource(schema) }]),
    ...(table === name ? [] : [{ name: 'table', value: stringSource(table) }]),
    ...listProperty('unique', entity.unique, (index) => indexSource(table, index, 'key')),
    ...listProperty('indexes', entity.indexes, (index) => indexSource(table, index, 'idx')),
    ...listProperty('references', entity.references, (reference) => referenceSource(table, reference)),
    ...listProperty('crossReferences', entity.crossReferences, crossReferenceSource),
  ]
}

function derivedKeyName(table: string, { on, as }: DraftKey): string {
  return as === 'primary key' ? objectName(table, [], 'pkey') : objectName(table, on, 'key')
}

/** Several objects with several properties each stand on lines of their own. */
function listProperty<Element extends object>(
  name: string,
  elements: readonly Element[],
  source: (element: Element) => readonly Property[],
): Property[] {
  if (elements.length === 0) return []
  const printed = elements.map(source)
  const isBroken = printed.length > 1 && printed.every((properties) => properties.length > 1)
  const items: Item[] = printed.map((properties) => ({ value: objectSource(properties) }))
  return [{ name, value: listSource(items, isBroken) }]
}

function indexSource(table: string, { name, on }: DraftIndex, suffix: 'key' | 'idx'): Property[] {
  return [
    { name: 'on', value: stringsSource(on) },
    ...(name === objectName(table, on, suffix) ? [] : [{ name: 'name', value: stringSource(name) }]),
  ]
}

/** As in the language, a foreign key cascades updates unless it says otherwise. */
function referenceSource(table: string, reference: DraftReference): Property[] {
  const { name, on, to, toColumns, onDelete, onUpdate } = reference
  return [
    ...targetProperties(on, to, toColumns),
    { name: 'onDelete', value: stringSource(onDelete) },
    ...(onUpdate === 'CASCADE' ? [] : [{ name: 'onUpdate', value: stringSource(onUpdate) }]),
    ...(name === objectName(table, on, 'fkey') ? [] : [{ name: 'name', value: stringSource(name) }]),
  ]
}

function crossReferenceSource({ on, to, toColumns, onDelete }: DraftCrossReference): Property[] {
  return [...targetProperties(on, to, toColumns), { name: 'onDelete', value: stringSource(onDelete) }]
}

function targetProperties(on: readonly string[], to: string, toColumns: readonly string[]): Property[] {
  return [
    { name: 'on', value: stringsSource(on) },
    { name: 'to', value: stringSource(to) },
    ...(toColumns.length === 0 ? [] : [{ name: 'toColumns', value: stringsSource(toColumns) }]),
  ]
}
