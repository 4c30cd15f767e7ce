import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import type { DraftColumn } from './draft.ts'
import type { LanguageName, NameConstant } from './identifiers.ts'
import type { Layout } from './layout.ts'
import type { OwnType } from './monolith-facts.ts'
import { typesOfColumn, withParts } from './own-types.ts'
import { callSource, stringSource, stringsSource } from './source-text.ts'
import { createTypeSql } from './type-sql.ts'

/** How the modules of a draft call what defines a type that PostgreSQL does not have of itself. */
export interface TypeConstant {
  readonly identifier: string
  readonly builder: LanguageName
  readonly source: Layout
  /** What its text names: constants that must stand before it, or be imported. */
  readonly type: OwnType
}

/** Constants by the oids of types; types of one extension share one. A type that cannot be made has none. */
export type TypeConstants = ReadonlyMap<string, TypeConstant>

export function nameTypes(types: readonly OwnType[], nameConstant: NameConstant): TypeConstants {
  const constants = new Map<string, TypeConstant>()
  const extensions = new Map<string, TypeConstant>()
  for (const type of types) {
    const shared = type.extension === null ? undefined : extensions.get(type.extension.name)
    const constant = shared ?? constantOf(type, nameConstant)
    if (constant === null) continue
    constants.set(type.oid, constant)
    if (type.extension !== null) extensions.set(type.extension.name, constant)
  }
  return constants
}

function constantOf(type: OwnType, nameConstant: NameConstant): TypeConstant | null {
  const { name, schema, bareName, labels, extension } = type
  if (extension !== null) {
    const args = [extension.name, extension.schema, name].map(stringSource)
    const identifier = nameConstant(extension.name, 'Extension')
    return { identifier, builder: 'extension', source: callSource('extension', args), type }
  }
  if (type.kind === 'e') {
    const rest = schema === 'public' ? [] : [stringSource(schema)]
    const args = [stringSource(bareName), stringsSource(labels), ...rest]
    const identifier = nameConstant(bareName, 'Enum')
    return { identifier, builder: 'enumeration', source: callSource('enumeration', args, rest.length === 0), type }
  }
  const create = createTypeSql(type)
  if (create === null) return null
  const args = [name, create].map(stringSource)
  return {
    identifier: nameConstant(bareName, 'Type'),
    builder: 'typeDefinition',
    source: callSource('typeDefinition', args),
    type,
  }
}

/** PostgreSQL's types that the language has a name for. */
const NAMED: Readonly<Record<string, LanguageName>> = {
  text: 'text',
  boolean: 'boolean',
  smallint: 'smallint',
  integer: 'integer',
  bigint: 'bigint',
  real: 'real',
  'double precision': 'doublePrecision',
  bytea: 'bytea',
  json: 'json',
  jsonb: 'jsonb',
  uuid: 'uuid',
}

const TIMESTAMP = /^timestamp\(([0-6])\) without time zone$/

/** What makes a column of its type, and what of the language that needs. */
export function columnTypeSource(
  column: DraftColumn,
  types: ReadonlyMap<string, OwnType>,
  constants: TypeConstants,
): { readonly source: Layout; readonly uses: readonly LanguageName[]; readonly constants: readonly TypeConstant[] } {
  const { type, isArray, ownType } = column
  const needed = [...new Set(typesOfColumn(column, types).flatMap(({ oid }) => constants.get(oid) ?? []))]
  const own = ownType === null ? undefined : constants.get(ownType.oid)
  if (own?.builder === 'enumeration' && !isArray && needed.length === 1 && isEnumItself(column))
    return { source: `${own.identifier}()`, uses: [], constants: [own] }
  const named = NAMED[type]
  if (named !== undefined && needed.length === 0) return { source: `${named}()`, uses: [named], constants: [] }
  const [, precision] = TIMESTAMP.exec(type) ?? []
  if (precision !== undefined && needed.length === 0)
    return { source: `timestamp(${precision})`, uses: ['timestamp'], constants: [] }
  const args = [stringSource(type), ...needed.map(requirementSource)]
  return { source: callSource('postgres', args), uses: ['postgres'], constants: needed }
}

function isEnumItself({ type, ownType }: DraftColumn): boolean {
  return ownType !== null && type === `${quoteIdentifier(ownType.schema)}.${quoteIdentifier(ownType.bareName)}`
}

/** An enumeration is a function that makes columns; their settings have its definition. */
function requirementSource({ identifier, builder }: TypeConstant): string {
  return builder === 'enumeration' ? `...${identifier}().settings.requires` : identifier
}

/** The constants of a type and of all that it is made of, in order. */
export function constantsOf(
  type: OwnType,
  types: ReadonlyMap<string, OwnType>,
  constants: TypeConstants,
): TypeConstant[] {
  return [...new Set(withParts(type, types).flatMap(({ oid }) => constants.get(oid) ?? []))]
}
