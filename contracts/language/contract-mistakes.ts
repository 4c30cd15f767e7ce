import type { ContractSet, Entity, Service } from './contract-set.ts'
import { MAX_IDENTIFIER_BYTES } from './object-name.ts'

/** Lower case, so that the service's stream (upper case) and its environment variable cannot meet another's. */
const SERVICE_NAME = /^[a-z][a-z0-9_]{0,30}$/

/** Every mistake in a contract set that the compiler could not see, each as a clause for one sentence. */
export function contractMistakes(set: ContractSet): string[] {
  return [
    ...(SERVICE_NAME.test(set.name) ? [] : [`its name ${JSON.stringify(set.name)} must match ${SERVICE_NAME.source}`]),
    ...(set.services.length > 0 ? [] : ['it has no service']),
    ...set.services.flatMap((service) => serviceMistakes(set, service)),
    ...claimedTwice(set),
  ]
}

function serviceMistakes(set: ContractSet, service: Service): string[] {
  const named = SERVICE_NAME.test(service.name)
    ? []
    : [`service ${JSON.stringify(service.name)} must match ${SERVICE_NAME.source}`]
  return [
    ...named,
    ...(service.entities.length > 0 ? [] : [`service ${service.name} has no entity`]),
    ...service.entities.flatMap((entity) =>
      entityMistakes(set, service, entity).map((text) => `${service.name}.${entity.name}: ${text}`),
    ),
  ]
}

function entityMistakes(set: ContractSet, service: Service, entity: Entity): string[] {
  const columns = new Set(entity.columns.map(({ name }) => name))
  const unknown = (where: string, names: readonly string[]): string[] =>
    names
      .filter((name) => !columns.has(name))
      .map((name) => `${where} names the column ${name}, which it does not have`)
  return [
    ...[entity.table, ...columns]
      .filter(tooLong)
      .map((name) => `${JSON.stringify(name)} is not a name of 1 to ${MAX_IDENTIFIER_BYTES} bytes`),
    ...(entity.key.length > 0 ? [] : ['it has no key']),
    ...unknown('its key', entity.key),
    ...entity.columns
      .filter((column) => entity.key.includes(column.name) && column.nullable)
      .map(({ name }) => `its key column ${name} is nullable`),
    ...entity.indexes.flatMap(({ name, on }) => unknown(`index ${name}`, on)),
    ...entity.references.flatMap((reference) => [
      ...unknown(`reference ${reference.name}`, reference.on),
      ...targetMistakes(service, reference.to, reference.on, reference.toColumns),
    ]),
    ...entity.crossReferences.flatMap((reference) => [
      ...unknown(`the reference to ${reference.toService}.${reference.toEntity}`, reference.on),
      ...targetMistakes(
        set.services.find(({ name }) => name === reference.toService),
        reference.toEntity,
        reference.on,
        reference.toColumns,
      ),
      ...(reference.toService === service.name ? [`the reference to ${reference.toEntity} crosses no service`] : []),
    ]),
  ]
}

function tooLong(name: string): boolean {
  return name.length === 0 || Buffer.byteLength(name) > MAX_IDENTIFIER_BYTES || name.includes('\0')
}

function targetMistakes(
  service: Service | undefined,
  to: string,
  on: readonly string[],
  toColumns: readonly string[],
): string[] {
  const target = service?.entities.find(({ name }) => name === to)
  if (target === undefined)
    return [`it refers to ${to}, which ${service ? `${service.name} does not have` : 'is in no service of the set'}`]
  if (on.length !== toColumns.length)
    return [`its reference to ${to} pairs ${on.length} columns with ${toColumns.length}`]
  const missing = toColumns.filter((name) => !target.columns.some((column) => column.name === name))
  return missing.map((name) => `it refers to ${to}.${name}, which does not exist`)
}

function claimedTwice(set: ContractSet): string[] {
  const owners = new Map<string, string[]>()
  for (const service of set.services)
    for (const { schema, table } of service.entities) {
      const name = `${schema}.${table}`
      owners.set(name, [...(owners.get(name) ?? []), service.name])
    }
  return [...owners]
    .filter(([, services]) => services.length > 1)
    .map(([table, services]) => `table ${table} is claimed ${services.length} times, by ${services.join(' and ')}`)
}
