import type pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import { type Entity, wireColumns } from '../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../contracts/language/quoting.ts'
import { tableSql } from '../infra/postgres/digest-sql.ts'

/**
 * Compares the table that this transaction reads with the one that its snapshot shows. DDL is not bound to snapshots: of
 * a table that was rewritten an old snapshot shows nothing or too little, and a column that was dropped and added again,
 * or whose name another one has now, gives other values. The transaction must hold a lock on the table already.
 * Manual: "Caveats" of "Concurrency Control".
 * @throws TableRewritten where its rows are in another file; Failure 4 where a column differs.
 */
export async function assertSameTable(client: pg.Client, entity: Entity): Promise<void> {
  await assertNotRewritten(client, entity)
  const shown = await shownColumns(client, entity)
  const read = await readColumns(client, entity)
  const changed = [...read].find(([name, column]) => !isSame(column, shown.get(name)))
  if (changed !== undefined)
    throw new Failure(
      4,
      `Column ${quoteIdentifier(changed[0])} of table ${tableSql(entity)} is another one than when the snapshot was taken (it was renamed or retyped, or dropped and added again): let the migration end, then run publish again.`,
    )
}

/** The snapshot no longer shows the table's rows: it must be read again, under a new one. */
export class TableRewritten extends Failure {
  readonly table: string

  constructor(entity: Entity) {
    const table = tableSql(entity)
    super(
      4,
      `Table ${table} was rewritten while the snapshot was read (ALTER TABLE, VACUUM FULL, CLUSTER or TRUNCATE), so the snapshot no longer shows its rows: let that end, then run publish again.`,
    )
    this.table = table
  }
}

interface TableColumn {
  readonly number: number
  /** The type's identifier; null where it is a domain, of which a result tells the type beneath. */
  readonly type: number | null
}

function isSame(read: TableColumn, shown: TableColumn | undefined): boolean {
  return shown !== undefined && shown.number === read.number && (shown.type === null || shown.type === read.type)
}

/** The file comes from the snapshot's catalog on one side, and from the present on the other. */
async function assertNotRewritten(client: pg.Client, entity: Entity): Promise<void> {
  const { rows } = await client.query<{ same: string }>(
    `SELECT class.relfilenode = pg_relation_filenode(class.oid) AS same
       FROM pg_class AS class WHERE class.oid = $1::regclass`,
    [tableSql(entity)],
  )
  if (rows[0]?.same === 't') return
  throw new TableRewritten(entity)
}

/** The columns by name, in the snapshot's catalog. */
async function shownColumns(client: pg.Client, entity: Entity): Promise<Map<string, TableColumn>> {
  const { rows } = await client.query<{ name: string; number: string; type: string | null }>(
    `SELECT attname AS name, attnum::text AS number, CASE WHEN typtype <> 'd' THEN atttypid::int8::text END AS type
       FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
      WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`,
    [tableSql(entity)],
  )
  return new Map(
    rows.map(({ name, number, type }) => [name, { number: Number(number), type: type === null ? null : Number(type) }]),
  )
}

/** The same, as a statement finds them that reads the table now. */
async function readColumns(client: pg.Client, entity: Entity): Promise<Map<string, TableColumn>> {
  const columns = wireColumns(entity)
  const names = columns.map(({ name }) => quoteIdentifier(name)).join(', ')
  const { fields } = await client.query(`SELECT ${names} FROM ONLY ${tableSql(entity)} LIMIT 0`)
  return new Map(fields.map(({ name, columnID, dataTypeID }) => [name, { number: columnID, type: dataTypeID }]))
}
