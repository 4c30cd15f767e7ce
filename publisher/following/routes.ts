import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import { type ContractColumn, type Entity, type Service, wireColumns } from '../../contracts/language/contract-set.ts'
import { shapeHash, shapeOf } from '../../contracts/wire/shape.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import type { RelationColumn, RelationMessage } from './pgoutput.ts'

/** Where a table's changes lead, and how its rows are read. */
export interface Route {
  readonly service: Service
  readonly entity: Entity
  readonly shape: string
  /** Those of the entity's shape. */
  readonly columns: readonly ContractColumn[]
  /** For each of them, its place in the table's rows. */
  readonly places: readonly number[]
  /** Why changes of this form of the table cannot be sent; null where they can. */
  readonly fault: Failure | null
}

/** The tables of the contract set, by their identity in the monolith, in the form that the WAL has them in now. */
export class Routes {
  readonly #entities: ReadonlyMap<number, Owned>
  readonly #routes = new Map<number, Route>()

  private constructor(entities: ReadonlyMap<number, Owned>) {
    this.#entities = entities
  }

  /** @throws Failure 4 where a table is not there. */
  static async read(client: pg.Client, services: readonly Service[]): Promise<Routes> {
    const owned = services.flatMap((service) => service.entities.map((entity): Owned => ({ service, entity })))
    const { rows } = await client.query<{ oid: string | null }>(
      'SELECT to_regclass(name)::oid::text AS oid FROM unnest($1::text[]) WITH ORDINALITY AS t (name, place) ORDER BY place',
      [owned.map(({ entity }) => tableSql(entity))],
    )
    return new Routes(
      new Map(
        owned.map((each, index) => {
          const oid = rows[index]?.oid ?? null
          if (oid === null) throw missingTable(each.entity)
          return [Number(oid), each]
        }),
      ),
    )
  }

  /** The route of a table; null where it is none of the contract set's. */
  of(oid: number): Route | null {
    return this.#routes.get(oid) ?? null
  }

  /** A table is described before its first change, and again after it was altered. */
  async learn(client: pg.Client, relation: RelationMessage): Promise<void> {
    const owned = this.#entities.get(relation.oid)
    if (owned === undefined) return
    const types = await readTypes(client, relation.columns)
    const present = await readColumns(client, relation.oid)
    this.#routes.set(relation.oid, routeOf(owned, relation, types, present))
  }
}

interface Owned {
  readonly service: Service
  readonly entity: Entity
}

/**
 * @param types of the relation's columns, as `format_type` prints them.
 * @param present the columns that the table has now: one that came and went is nobody's.
 */
export function routeOf(
  { service, entity }: Owned,
  relation: RelationMessage,
  types: readonly string[],
  present: ReadonlySet<string>,
): Route {
  const columns = wireColumns(entity)
  const places = columns.map(({ name }) => relation.columns.findIndex((column) => column.name === name))
  const shape = shapeHash(shapeOf(entity))
  return { service, entity, shape, columns, places, fault: faultOf(entity, relation, types, places, present) }
}

function faultOf(
  entity: Entity,
  relation: RelationMessage,
  types: readonly string[],
  places: readonly number[],
  present: ReadonlySet<string>,
): Failure | null {
  const columns = wireColumns(entity)
  const lacking = columns.find((_, index) => places[index] === -1)
  if (lacking !== undefined) return altered(entity, `has no column ${JSON.stringify(lacking.name)} any more`)
  const retyped = columns.find(({ type }, index) => types[places[index] ?? -1] !== type)
  if (retyped !== undefined) {
    const type = types[relation.columns.findIndex(({ name }) => name === retyped.name)]
    return altered(entity, `has a column ${JSON.stringify(retyped.name)} of the type ${type}, not ${retyped.type}`)
  }
  const known = new Set(entity.columns.map(({ name }) => name))
  const added = relation.columns.find(({ name }) => !known.has(name) && present.has(name))
  return added === undefined
    ? null
    : altered(entity, `has a column ${JSON.stringify(added.name)}, which the contract does not have`)
}

/** Nothing of it is in the log: a publisher with the right contract goes on from there. */
function altered(entity: Entity, how: string): Failure {
  return new Failure(
    4,
    `Table ${tableSql(entity)} of the monolith was altered and ${how}, so its changes cannot be sent: undo that, or take it into the contract and the service's table, then run publish again; changes made under another form of the table need --new-epoch.`,
  )
}

function missingTable(entity: Entity): Failure {
  return new Failure(
    4,
    `There is no table ${tableSql(entity)} in the monolith any more: put it back, or take ${entity.name} out of the contract and begin anew with --new-epoch.`,
  )
}

async function readColumns(client: pg.Client, oid: number): Promise<Set<string>> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT attname AS name FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped',
    [oid],
  )
  return new Set(rows.map(({ name }) => name))
}

async function readTypes(client: pg.Client, columns: readonly RelationColumn[]): Promise<string[]> {
  const { rows } = await client.query<{ type: string }>(
    `SELECT format_type(oid, modifier) AS type
       FROM unnest($1::oid[], $2::int4[]) WITH ORDINALITY AS t (oid, modifier, place) ORDER BY place`,
    [columns.map(({ typeOid }) => typeOid), columns.map(({ typeModifier }) => typeModifier)],
  )
  return rows.map(({ type }) => type)
}
