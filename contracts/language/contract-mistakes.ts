import type { TypeDefinition } from './column.ts'
import type {
  ContractColumn,
  ContractCrossReference,
  ContractReference,
  ContractSet,
  Entity,
  Service,
} from './contract-set.ts'
import { MAX_IDENTIFIER_BYTES } from './object-name.ts'
import { quoteIdentifier } from './quoting.ts'

/** Lower case, so that the service's stream (upper case) and its environment variable cannot meet another's. */
const SERVICE_NAME = /^[a-z][a-z0-9_]{0,30}$/

/** `MONOLITH_DATABASE_URL` is the monolith's own, so no service may be called so. */
const MONOLITH = 'monolith'

/** Half of a surrogate pair: it has no UTF-8 form, so two such names could become one. */
const LONE_SURROGATE = /\p{Surrogate}/u

/** Every mistake in a contract set that the compiler could not see, each as a clause for one sentence. */
export function contractMistakes(set: ContractSet): string[] {
  return [
    ...(SERVICE_NAME.test(set.name) ? [] : [`its name ${JSON.stringify(set.name)} must match ${SERVICE_NAME.source}`]),
    ...(set.services.length > 0 ? [] : ['it has no service']),
    ...set.services.flatMap((service) => serviceMistakes(set, service)),
    ...claimedTwice(set),
    ...claimedAndLeftBehind(set),
  ]
}

function serviceMistakes(set: ContractSet, service: Service): string[] {
  const named = SERVICE_NAME.test(service.name)
    ? []
    : [`service ${JSON.stringify(service.name)} must match ${SERVICE_NAME.source}`]
  return [
    ...named,
    ...(service.name === MONOLITH ? [`service ${MONOLITH} needs another name, which is not the monolith's`] : []),
    ...(service.entities.length > 0 ? [] : [`service ${service.name} has no entity`]),
    ...definedTwice(service),
    ...namedTwice(service),
    ...service.entities.flatMap((entity) =>
      entityMistakes(set, service, entity).map((text) => `${service.name}.${entity.name}: ${text}`),
    ),
  ]
}

function entityMistakes(set: ContractSet, service: Service, entity: Entity): string[] {
  return [
    ...nameMistakes(entity),
    ...entity.columns.flatMap(columnMistakes),
    ...keyMistakes(entity),
    ...entity.indexes.flatMap(({ name, on }) => listMistakes(entity, `index ${name}`, on)),
    ...entity.references.flatMap((reference) => referenceMistakes(service, entity, reference)),
    ...entity.crossReferences.flatMap((reference) => crossReferenceMistakes(set, service, entity, reference)),
  ]
}

function nameMistakes(entity: Entity): string[] {
  const named = [...entity.columns, ...entity.indexes, ...entity.references].map(({ name }) => name)
  const names = new Set([entity.name, entity.schema, entity.table, entity.keyName, ...named])
  return [...names]
    .filter((name) => !isIdentifier(name))
    .map((name) => `${JSON.stringify(name)} is not a name of 1 to ${MAX_IDENTIFIER_BYTES} bytes`)
}

function isIdentifier(name: string): boolean {
  const bytes = Buffer.byteLength(name)
  return bytes > 0 && bytes <= MAX_IDENTIFIER_BYTES && !name.includes('\0') && !LONE_SURROGATE.test(name)
}

function columnMistakes(column: ContractColumn): string[] {
  const sources = [column.default, column.generated, column.identity].filter((source) => source !== undefined)
  return [
    ...(sources.length > 1 ? [`its column ${column.name} has more than one of default, generated and identity`] : []),
    ...(column.identity && column.nullable ? [`its identity column ${column.name} is nullable`] : []),
  ]
}

function keyMistakes(entity: Entity): string[] {
  const columns = entity.columns.filter(({ name }) => entity.key.includes(name))
  return [
    ...(entity.key.length > 0 ? [] : ['it has no key']),
    ...listMistakes(entity, 'its key', entity.key),
    ...columns.filter(({ nullable }) => nullable).map(({ name }) => `its key column ${name} is nullable`),
    ...columns
      .filter(({ generated }) => generated !== undefined)
      .map(({ name }) => `its key column ${name} is generated, and so does not travel`),
  ]
}

/** What is wrong with a list of the entity's own columns. */
function listMistakes(entity: Entity, where: string, names: readonly string[]): string[] {
  const columns = new Set(entity.columns.map(({ name }) => name))
  const unknown = names.filter((name) => !columns.has(name))
  return [
    ...unknown.map((name) => `${where} names the column ${name}, which it does not have`),
    ...repeated(names).map((name) => `${where} names the column ${name} more than once`),
  ]
}

function referenceMistakes(service: Service, entity: Entity, reference: ContractReference): string[] {
  const { name, on, to, toColumns } = reference
  const target = service.entities.find((other) => other.name === to)
  const pairs = pairMistakes(service, target, reference)
  const unique = target === undefined || pairs.length > 0 || isUnique(target, toColumns)
  return [
    ...listMistakes(entity, `reference ${name}`, on),
    ...pairs,
    ...(unique ? [] : [`it refers to ${to} (${toColumns.join(', ')}), which neither its key nor a unique index holds`]),
  ]
}

function crossReferenceMistakes(
  set: ContractSet,
  service: Service,
  entity: Entity,
  reference: ContractCrossReference,
): string[] {
  const { on, toService, toEntity, toColumns, when } = reference
  const owner = set.services.find(({ name }) => name === toService)
  const target = owner?.entities.find(({ name }) => name === toEntity)
  const where = `the reference to ${toService}.${toEntity}`
  return [
    ...listMistakes(entity, where, on),
    ...(when ? listMistakes(entity, `the condition of ${where}`, [when.column]) : []),
    ...pairMistakes(owner, target, { to: toEntity, on, toColumns }),
    ...(toService === service.name ? [`the reference to ${toEntity} crosses no service`] : []),
  ]
}

function pairMistakes(
  service: Service | undefined,
  target: Entity | undefined,
  { to, on, toColumns }: Pick<ContractReference, 'to' | 'on' | 'toColumns'>,
): string[] {
  if (target === undefined)
    return [`it refers to ${to}, which ${service ? `${service.name} does not have` : 'is in no service of the set'}`]
  if (on.length !== toColumns.length || on.length === 0)
    return [`its reference to ${to} pairs ${on.length} columns with ${toColumns.length}`]
  const missing = toColumns.filter((name) => !target.columns.some((column) => column.name === name))
  return missing.map((name) => `it refers to ${to}.${name}, which does not exist`)
}

/** Whether a foreign key may refer to these columns: PostgreSQL asks for a unique index over exactly them. */
function isUnique(entity: Entity, columns: readonly string[]): boolean {
  const unique = [entity.key, ...entity.indexes.filter((index) => index.unique).map(({ on }) => on)]
  return unique.some((on) => on.length === columns.length && on.every((name) => columns.includes(name)))
}

/** Two definitions of one type: only the first would be made. */
function definedTwice(service: Service): string[] {
  const required = service.entities.flatMap(({ columns }) => columns.flatMap(({ requires }) => requires))
  const differs = ({ name, create }: TypeDefinition): boolean =>
    service.types.some((type) => type.name === name && type.create !== create)
  const names = new Set(required.filter(differs).map(({ name }) => name))
  return [...names].map((name) => `service ${service.name} defines the type ${name} in two ways`)
}

/** Tables and indexes share one space of names in each schema. Manual: "pg_class". */
function namedTwice(service: Service): string[] {
  const byTable = new Map(service.entities.map((entity) => [qualified(entity.schema, entity.table), entity]))
  const relations = [...byTable.values()].flatMap(({ schema, table, keyName, indexes }) =>
    [table, keyName, ...indexes.map(({ name }) => name)].map((name) => qualified(schema, name)),
  )
  return [
    ...repeated(relations).map((name) => `service ${service.name} has more than one table or index ${name}`),
    ...service.entities.flatMap(({ name, references }) =>
      repeated(references.map((reference) => reference.name)).map(
        (twice) => `service ${service.name} has more than one reference ${twice} in ${name}`,
      ),
    ),
  ]
}

function claimedTwice(set: ContractSet): string[] {
  const owners = new Map<string, string[]>()
  for (const service of set.services)
    for (const { schema, table } of service.entities) {
      const name = qualified(schema, table)
      owners.set(name, [...(owners.get(name) ?? []), service.name])
    }
  return [...owners]
    .filter(([, services]) => services.length > 1)
    .map(([table, services]) => `table ${table} is claimed ${services.length} times, by ${services.join(' and ')}`)
}

function claimedAndLeftBehind(set: ContractSet): string[] {
  const left = new Set(set.leftBehind)
  return set.services.flatMap((service) =>
    service.entities
      .filter(({ schema, table }) => left.has(`${schema}.${table}`) || (schema === 'public' && left.has(table)))
      .map(({ name }) => `the table of ${service.name}.${name} is claimed and left behind`),
  )
}

/** Quoted, since `a.b` with `c` and `a` with `b.c` are two tables. */
function qualified(schema: string, name: string): string {
  const [first, second] = [schema, name].map((part) => (part.includes('\0') ? part : quoteIdentifier(part)))
  return `${first}.${second}`
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, place) => names.indexOf(name) !== place))]
}
