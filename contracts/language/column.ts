/**
 * How a value travels in a message: as the msgpack type of that name where msgpack holds it exactly, and as
 * PostgreSQL's own text (`text`) for everything else.
 */
export type WireKind = 'boolean' | 'integer' | 'float' | 'binary' | 'text'

/** A type that must exist in a service's database before its tables: an enum, a domain, a composite, an extension. */
export interface TypeDefinition {
  /** The type's name as `format_type` prints it under an empty search path, for example `public."WorkflowStatus"`. */
  readonly name: string
  readonly create: string
  /** For an enum, its labels in order; they are compared with the catalog's. */
  readonly labels?: readonly string[]
}

export interface ColumnSettings {
  /** The type as `format_type` prints it under an empty search path, for example `timestamp(3) without time zone`. */
  readonly type: string
  readonly wire: WireKind
  readonly nullable: boolean
  /** The default as an SQL expression. */
  readonly default?: string
  /** Passwords and credentials: carried, verified, and never shown. */
  readonly secret: boolean
  /** The expression of a stored generated column: it does not travel, the service's database computes it. */
  readonly generated?: string
  readonly identity?: 'ALWAYS' | 'BY DEFAULT'
  readonly requires: readonly TypeDefinition[]
  /** What a reader of the contract must know and no other field can say. */
  readonly note?: string
}

/** A column of a contract; `Value` is the type of its value in a decoded row. Each method returns a changed copy. */
export class Column<Value> {
  readonly settings: ColumnSettings
  /** Never set: it carries the value's type for the compiler alone. */
  declare readonly value: Value

  constructor(settings: ColumnSettings) {
    this.settings = settings
  }

  #with<Changed = Value>(change: Partial<ColumnSettings>): Column<Changed> {
    return new Column<Changed>({ ...this.settings, ...change })
  }

  nullable(): Column<Value | null> {
    return this.#with<Value | null>({ nullable: true })
  }

  /** @param expression SQL, for example `'DRAFT'` with its quotes, or `CURRENT_TIMESTAMP`. */
  default(expression: string): Column<Value> {
    return this.#with({ default: expression })
  }

  secret(): Column<Value> {
    return this.#with({ secret: true })
  }

  /**
   * The last call on a column: it does not travel, so decoded rows do not have it.
   * @param expression the SQL of `GENERATED ALWAYS AS (expression) STORED`.
   */
  generated(expression: string): Column<never> {
    return this.#with<never>({ generated: expression })
  }

  identity(kind: 'ALWAYS' | 'BY DEFAULT'): Column<Value> {
    return this.#with({ identity: kind })
  }

  note(text: string): Column<Value> {
    return this.#with({ note: text })
  }
}
