import { Failure } from '../failure.ts'
import type { ColumnSettings, TypeDefinition } from './column.ts'
import type { Columns, EntityDeclaration, ReferentialAction, ServiceDeclaration } from './entity.ts'
import { objectName } from './object-name.ts'
import { contractMistakes } from './contract-mistakes.ts'

/** A column of a resolved contract. */
export interface ContractColumn extends ColumnSettings {
  readonly name: string
}

export interface ContractIndex {
  readonly name: string
  readonly on: readonly string[]
  readonly unique: boolean
}

export interface ContractReference {
  readonly name: string
  readonly on: readonly string[]
  readonly to: string
  readonly toColumns: readonly string[]
  readonly onDelete: ReferentialAction
  readonly onUpdate: ReferentialAction
}

export interface ContractCrossReference {
  readonly on: readonly string[]
  readonly toService: string
  readonly toEntity: string
  readonly toColumns: readonly string[]
  readonly when: { readonly column: string; readonly equals: string } | null
  readonly onDelete: ReferentialAction | null
}

/** A table that a contract gives to a service, with every name resolved. */
export interface Entity {
  readonly name: string
  readonly schema: string
  readonly table: string
  readonly columns: readonly ContractColumn[]
  readonly key: readonly string[]
  readonly keyAs: 'primary key' | 'unique index'
  readonly keyName: string
  /** Unique and plain indexes, without the key's. */
  readonly indexes: readonly ContractIndex[]
  readonly references: readonly ContractReference[]
  readonly crossReferences: readonly ContractCrossReference[]
}

export interface Service {
  readonly name: string
  readonly entities: readonly Entity[]
  /** Types that the service's tables need, in the order in which they must be created. */
  readonly types: readonly TypeDefinition[]
}

/** All services of one monolith, in the order in which they are migrated. */
export interface ContractSet {
  readonly name: string
  readonly services: readonly Service[]
  /** Tables, as `schema.table` or a table of `public`, that stay in the monolith on purpose. */
  readonly leftBehind: readonly string[]
}

export interface ContractSetDeclaration {
  readonly services: Readonly<Record<string, ServiceDeclaration>>
  readonly leftBehind?: readonly string[]
}

/**
 * Resolves a contract set and checks it: names, keys and references that do not fit are all reported at once.
 * @throws Failure with exit code 2 that lists every mistake.
 */
export function contractSet(name: string, declaration: ContractSetDeclaration): ContractSet {
  const services = Object.entries(declaration.services).map(([service, entities]) => resolveService(service, entities))
  const withKeys = services.map((service) => ({
    ...service,
    entities: service.entities.map(referredKeys(services, service)),
  }))
  const set: ContractSet = { name, services: withKeys, leftBehind: declaration.leftBehind ?? [] }
  const mistakes = contractMistakes(set)
  if (mistakes.length > 0) throw new Failure(2, `The contract set ${name} cannot be used: ${mistakes.join('; ')}.`)
  return set
}

function resolveService(name: string, declaration: ServiceDeclaration): Service {
  const entities = Object.entries(declaration).map(([entityName, entity]) => resolveEntity(entityName, entity))
  const types = new Map<string, TypeDefinition>()
  for (const { columns } of entities)
    for (const { requires } of columns) for (const type of requires) types.set(type.name, types.get(type.name) ?? type)
  return { name, entities, types: [...types.values()] }
}

function resolveEntity(name: string, { columns, rules }: EntityDeclaration<Columns>): Entity {
  const table = rules.table ?? name
  const keyAs = rules.keyAs ?? 'primary key'
  return {
    name,
    schema: rules.schema ?? 'public',
    table,
    columns: Object.entries(columns).map(([column, { settings }]) => ({ name: column, ...settings })),
    key: rules.key,
    keyAs,
    keyName:
      rules.keyName ??
      objectName(table, keyAs === 'primary key' ? [] : rules.key, keyAs === 'primary key' ? 'pkey' : 'key'),
    indexes: [...indexesOf(table, rules.unique, true), ...indexesOf(table, rules.indexes, false)],
    references: (rules.references ?? []).map(({ on, to, toColumns, onDelete, onUpdate, name: given }) => ({
      name: given ?? objectName(table, on, 'fkey'),
      on,
      to,
      toColumns: toColumns ?? [],
      onDelete,
      onUpdate: onUpdate ?? 'CASCADE',
    })),
    crossReferences: (rules.crossReferences ?? []).map(({ on, to, toColumns, when, onDelete }) => ({
      on,
      toService: to.slice(0, to.indexOf('.')),
      toEntity: to.slice(to.indexOf('.') + 1),
      toColumns: toColumns ?? [],
      when: when ?? null,
      onDelete,
    })),
  }
}

function indexesOf(
  table: string,
  declared: readonly { readonly on: readonly string[]; readonly name?: string }[] | undefined,
  unique: boolean,
): ContractIndex[] {
  return (declared ?? []).map(({ on, name }) => ({
    name: name ?? objectName(table, on, unique ? 'key' : 'idx'),
    on,
    unique,
  }))
}

/** Fills in the referred columns that a declaration left out: the referred entity's key. */
function referredKeys(services: readonly Service[], own: Service): (entity: Entity) => Entity {
  const keyOf = (service: string, entity: string): readonly string[] =>
    services.find(({ name }) => name === service)?.entities.find(({ name }) => name === entity)?.key ?? []
  return (entity) => ({
    ...entity,
    references: entity.references.map((reference) => ({
      ...reference,
      toColumns: reference.toColumns.length > 0 ? reference.toColumns : keyOf(own.name, reference.to),
    })),
    crossReferences: entity.crossReferences.map((reference) => ({
      ...reference,
      toColumns: reference.toColumns.length > 0 ? reference.toColumns : keyOf(reference.toService, reference.toEntity),
    })),
  })
}

/** The columns of an entity that travel in messages, in order: all but the generated ones. */
export function wireColumns(entity: Entity): readonly ContractColumn[] {
  return entity.columns.filter(({ generated }) => generated === undefined)
}
