import { Failure } from '../../contracts/failure.ts'
import { nearestName } from '../configuration/nearest-name.ts'
import type { TableName } from '../catalog/catalog.ts'

/** A service that the operator wants as it is: its name, and its tables as they were written. */
export interface GivenService {
  readonly name: string
  readonly tables: readonly string[]
}

const NAME = /^[a-z][a-z0-9_]{0,30}$/

/**
 * Reads `name=table,table`.
 * @throws Failure 2 that says what is wrong with it.
 */
export function parseGivenService(text: string): GivenService {
  const [name, list] = cutAt(text, '=')
  const tables = (list ?? '').split(',').map((table) => table.trim())
  if (list === null || tables.some((table) => table === ''))
    throw new Failure(2, `--services cannot be ${JSON.stringify(text)}: it must be name=table,table.`)
  if (!NAME.test(name) || name === 'monolith')
    throw new Failure(
      2,
      `--services names a service ${JSON.stringify(name)}: it must be 1 to 31 lower-case letters, digits and _, a letter first, and not monolith.`,
    )
  return { name, tables }
}

interface Claimable {
  readonly id: string
  readonly table: TableName
}

/**
 * The tables of the given services, by the services' names.
 * @throws Failure 2 that names every table that is not there, or given twice.
 */
export function resolveGivenServices(
  given: readonly GivenService[],
  tables: readonly Claimable[],
): Map<string, readonly string[]> {
  const services = new Map<string, string[]>()
  const mistakes: string[] = []
  const owners = new Map<string, string>()
  for (const { name, tables: wanted } of given)
    for (const text of wanted) {
      const id = tables.find(({ table }) => isCalled(table, text))?.id
      const owner = id === undefined ? undefined : owners.get(id)
      if (id === undefined) mistakes.push(unknownTable(text, tables))
      else if (owner !== undefined) mistakes.push(`table ${text} is given to ${owner} and to ${name}`)
      else {
        owners.set(id, name)
        services.set(name, [...(services.get(name) ?? []), id])
      }
    }
  if (mistakes.length > 0) throw new Failure(2, `--services cannot be done: ${mistakes.join('; ')}.`)
  return services
}

/** A table of `public` may be named without its schema, as in a contract set's `leftBehind`. */
function isCalled({ schema, table }: TableName, text: string): boolean {
  return text === `${schema}.${table}` || (schema === 'public' && text === table)
}

function unknownTable(text: string, tables: readonly Claimable[]): string {
  const names = tables.map(({ table: { schema, table } }) => (schema === 'public' ? table : `${schema}.${table}`))
  const near = nearestName(text, names)
  return `there is no table ${text} that a contract can claim${near === null ? '' : ` (did you mean ${near}?)`}`
}

function cutAt(text: string, mark: string): [string, string | null] {
  const place = text.indexOf(mark)
  return place < 0 ? [text, null] : [text.slice(0, place), text.slice(place + mark.length)]
}
