import type { Column } from './column.ts'

export type Columns = Readonly<Record<string, Column<unknown>>>

export type ReferentialAction = 'NO ACTION' | 'RESTRICT' | 'CASCADE' | 'SET NULL' | 'SET DEFAULT'

/** A unique or plain index over columns. Its name is derived where none is given. */
export interface IndexDeclaration<Name extends string> {
  readonly on: readonly Name[]
  readonly name?: string
}

/** A foreign key to an entity of the same service. */
export interface ReferenceDeclaration<Name extends string> {
  readonly on: readonly Name[]
  readonly to: string
  /** The referred columns; the referred entity's key where none is given. */
  readonly toColumns?: readonly string[]
  readonly onDelete: ReferentialAction
  readonly onUpdate?: ReferentialAction
  readonly name?: string
}

/** A reference to an entity of another service: after the split no foreign key holds it, only the value does. */
export interface CrossReferenceDeclaration<Name extends string> {
  readonly on: readonly Name[]
  /** `service.Entity`; the part before the first dot is the service. */
  readonly to: string
  readonly toColumns?: readonly string[]
  /** For a polymorphic reference: it holds for the rows in which this column has this value. */
  readonly when?: { readonly column: Name; readonly equals: string }
  /** What the monolith did when the referred row was deleted; `null` where it had no foreign key either. */
  readonly onDelete: ReferentialAction | null
}

/**
 * `Name` stands for itself, and not as `keyof C` in `rules`, so that any entity's declaration is an
 * `EntityDeclaration<Columns>`: `keyof` would turn the direction of that assignment round.
 */
export interface EntityDeclaration<C extends Columns, Name extends string = keyof C & string> {
  readonly columns: C
  readonly rules: EntityRules<Name>
}

export interface EntityRules<Name extends string> {
  readonly key: readonly Name[]
  /** `unique index` for a table without a primary key, whose rows a unique index over the key tells apart. */
  readonly keyAs?: 'primary key' | 'unique index'
  readonly keyName?: string
  readonly unique?: readonly IndexDeclaration<Name>[]
  readonly indexes?: readonly IndexDeclaration<Name>[]
  readonly references?: readonly ReferenceDeclaration<Name>[]
  readonly crossReferences?: readonly CrossReferenceDeclaration<Name>[]
  /** The schema and the table's name, where they are not `public` and the entity's own name. */
  readonly schema?: string
  readonly table?: string
}

/** Declares an entity: a table that a contract gives to a service. Names are checked by the compiler where it can. */
export function entity<const C extends Columns>(
  columns: C,
  rules: EntityRules<keyof C & string>,
): EntityDeclaration<C> {
  return { columns, rules }
}

export type ServiceDeclaration = Readonly<Record<string, EntityDeclaration<Columns>>>

/** Declares a service: its entities by name. The service's own name is given to it by its contract set. */
export function service<const Entities extends Readonly<Record<string, unknown>>>(entities: Entities): Entities {
  return entities
}
