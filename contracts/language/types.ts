import { Column, type ColumnSettings, type TypeDefinition, type WireKind } from './column.ts'
import { quoteIdentifier, quoteLiteral } from './quoting.ts'

function column<Value>(type: string, wire: WireKind, requires: readonly TypeDefinition[] = []): Column<Value> {
  const settings: ColumnSettings = { type, wire, nullable: false, secret: false, requires }
  return new Column<Value>(settings)
}

export const text = (): Column<string> => column('text', 'text')
export const boolean = (): Column<boolean> => column('boolean', 'boolean')
export const smallint = (): Column<number> => column('smallint', 'integer')
export const integer = (): Column<number> => column('integer', 'integer')
/** Beyond ±(2^53 − 1) the value travels as text, since decoders hold integers as doubles. */
export const bigint = (): Column<bigint> => column('bigint', 'integer')
export const real = (): Column<number> => column('real', 'float')
export const doublePrecision = (): Column<number> => column('double precision', 'float')
export const bytea = (): Column<Uint8Array> => column('bytea', 'binary')
export const json = (): Column<string> => column('json', 'text')
export const jsonb = (): Column<string> => column('jsonb', 'text')
export const uuid = (): Column<string> => column('uuid', 'text')

/** @param precision digits of a second, 0 to 6. The value is text: no JavaScript date holds what PostgreSQL holds. */
export const timestamp = (precision: number): Column<string> =>
  column(`timestamp(${precision}) without time zone`, 'text')

/**
 * Any other type, carried as PostgreSQL's text.
 * @param type as `format_type` prints it under an empty search path, for example `numeric(10,2)` or `public.hstore`.
 * @param requires what must be created before the table, in order.
 */
export const postgres = (type: string, ...requires: readonly TypeDefinition[]): Column<string> =>
  column(type, 'text', requires)

/** A type of the monolith's own that `postgres()` columns need: a domain, a composite, a range. */
export const typeDefinition = (name: string, create: string): TypeDefinition => ({ name, create })

/** An extension that must be there before its types; `name` is one of its types, by which its presence is seen. */
export const extension = (extensionName: string, schema: string, name: string): TypeDefinition => ({
  name,
  create: `CREATE EXTENSION IF NOT EXISTS ${quoteIdentifier(extensionName)} SCHEMA ${quoteIdentifier(schema)}`,
})

/**
 * An enum type, and a function that makes columns of it. Each service that uses it gets its own copy of the type.
 * @param labels in the type's order.
 */
export function enumeration<const Labels extends readonly string[]>(
  name: string,
  labels: Labels,
  schema = 'public',
): () => Column<Labels[number]> {
  const qualified = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
  const definition: TypeDefinition = {
    name: qualified,
    create: `CREATE TYPE ${qualified} AS ENUM (${labels.map(quoteLiteral).join(', ')})`,
    labels,
  }
  return () => column<Labels[number]>(qualified, 'text', [definition])
}
