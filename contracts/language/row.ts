import type { Column } from './column.ts'

/** The state of a column that a change did not carry, because its stored value (TOAST) was not touched. */
export type Unchanged = { readonly state: 'unchanged' }

type AnyEntity = { readonly columns: object; readonly rules: { readonly key: readonly string[] } }

type ValueOf<C> = C extends Column<infer Value> ? Value : never

/** Generated columns have no value in the log. */
type Travels<C> = [ValueOf<C>] extends [never] ? false : true

/** A decoded row of an entity: `Row<typeof iam.User>`. Types that JavaScript cannot hold exactly are PostgreSQL's text. */
export type Row<E extends AnyEntity> = {
  readonly [Name in keyof E['columns'] as Travels<E['columns'][Name]> extends true ? Name : never]: ValueOf<
    E['columns'][Name]
  >
}

/** The columns of an entity that a deletion or the old side of an update may carry: at least its key. */
export type OldRow<E extends AnyEntity> = Partial<Row<E>>

/** A change of an entity's row, as it is read from the log. */
export type Change<E extends AnyEntity> =
  | { readonly op: 'insert'; readonly row: Row<E> }
  | {
      readonly op: 'update'
      readonly row: { readonly [Name in keyof Row<E>]: Row<E>[Name] | Unchanged }
      readonly old: OldRow<E> | null
    }
  | { readonly op: 'delete'; readonly old: OldRow<E> }
  | { readonly op: 'truncate'; readonly cascade: boolean; readonly restartIdentity: boolean }

/** What the log says of an entity: snapshot pages of rows, then changes. */
export type Event<E extends AnyEntity> =
  | { readonly kind: 'page'; readonly rows: readonly Row<E>[] }
  | { readonly kind: 'change'; readonly ordinal: number; readonly change: Change<E> }
