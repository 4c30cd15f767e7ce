import type pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../contracts/failure.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier, quoteLiteral } from '../../contracts/language/quoting.ts'
import { jsonRows } from '../../infra/catalog/json-rows.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import { commentOn, readLiveTables } from './live-table.ts'
import { type Places, placesOf, type Shadow } from './shadow-schema.ts'

/** An object that is built on a shadow once its rows are there, as `scission.set_aside` keeps it. */
export interface ShadowObject {
  readonly entity: string
  readonly kind: 'index' | 'constraint' | 'foreign key'
  readonly name: string
  readonly restore: readonly string[]
}

/**
 * What the tables in use have and the shadows get after their rows: indexes, the constraints that rest on them, checks
 * that were never validated, and foreign keys from table to table of the service, each as statements for the shadow.
 * Where a table is missing there is nothing: it gets what the contract has.
 *
 * A foreign key to a table outside the service is not among them; the swap makes it. On the shadow it would make the
 * application's deletes in that table wait for, or fail on, rows that nobody else can see.
 * @throws Failure 4 that names what no statement brings back as it is: an invalid index, a foreign key whose triggers
 * were disabled.
 */
export async function shadowObjects(client: pg.Client, service: Service, shadow: Shadow): Promise<ShadowObject[]> {
  const places = placesOf(service, shadow)
  const objects: ShadowObject[] = []
  for (const place of places) objects.push(...(await readIndexes(client, place)).map((row) => indexObject(place, row)))
  for (const place of places) objects.push(...(await lateChecks(client, place)))
  for (const place of places) objects.push(...(await foreignKeys(client, place, places)))
  return objects
}

const INDEX = z.object({
  name: z.string(),
  definition: z.string(),
  /** How the definition begins: to the table's name, and with it. */
  head: z.string(),
  headWithTable: z.string(),
  method: z.string(),
  tablespace: z.string().nullable(),
  usable: z.boolean(),
  clustered: z.boolean(),
  identity: z.boolean(),
  comment: z.string().nullable(),
  /** Of the index's expressions, by their places, where they are not the default. */
  statistics: z.array(z.object({ column: z.number(), target: z.number() })),
  extensions: z.array(z.string()),
  constraint: z
    .object({
      name: z.string(),
      type: z.enum(['p', 'u', 'x']),
      definition: z.string(),
      comment: z.string().nullable(),
      deferrable: z.boolean(),
      deferred: z.boolean(),
    })
    .nullable(),
})

type Index = z.infer<typeof INDEX>

async function readIndexes(client: pg.Client, { live }: Places): Promise<Index[]> {
  return await jsonRows(
    client,
    INDEX,
    `SELECT json_build_object(
       'name', i.relname, 'definition', pg_get_indexdef(i.oid), 'head', head, 'headWithTable', head || $1 || ' USING ',
       'method', am.amname, 'tablespace', (SELECT spcname FROM pg_tablespace WHERE oid = i.reltablespace),
       'usable', x.indisvalid AND x.indisready, 'clustered', x.indisclustered, 'identity', x.indisreplident,
       'comment', obj_description(i.oid, 'pg_class'),
       'statistics', (SELECT coalesce(json_agg(json_build_object('column', attnum, 'target', attstattarget)), '[]')
                        FROM pg_attribute WHERE attrelid = i.oid AND attstattarget >= 0),
       'extensions', (SELECT coalesce(json_agg(e.extname ORDER BY e.extname), '[]')
                        FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
                       WHERE d.classid = 'pg_class'::regclass AND d.objid = i.oid AND d.deptype = 'x'
                         AND d.refclassid = 'pg_extension'::regclass),
       'constraint', CASE WHEN con.oid IS NOT NULL THEN json_build_object(
         'name', con.conname, 'type', con.contype, 'definition', pg_get_constraintdef(con.oid),
         'comment', obj_description(con.oid, 'pg_constraint'),
         'deferrable', con.condeferrable, 'deferred', con.condeferred) END) AS row
     FROM pg_index x
     JOIN pg_class i ON i.oid = x.indexrelid
     JOIN pg_am am ON am.oid = i.relam
     CROSS JOIN LATERAL (SELECT format('CREATE %sINDEX %I ON ', CASE WHEN x.indisunique THEN 'UNIQUE ' END, i.relname)) AS t (head)
     LEFT JOIN pg_constraint con ON con.conindid = i.oid AND con.conrelid = x.indrelid AND con.contype IN ('p', 'u', 'x')
     WHERE x.indrelid = to_regclass($1) ORDER BY i.relname`,
    [live],
  )
}

function indexObject(place: Places, index: Index): ShadowObject {
  const { name, constraint } = index
  if (!index.usable)
    throw new Failure(
      4,
      `Index ${quoteIdentifier(name)} of table ${place.live} is invalid, so that it cannot be rebuilt: REINDEX or drop it, then run replay again.`,
    )
  return {
    entity: place.entity.name,
    kind: constraint === null ? 'index' : 'constraint',
    name: constraint?.name ?? name,
    restore: restoreIndex(place, index),
  }
}

/** What changes the table itself takes its lock before the index is built: see `readDroppableObjects`. */
function restoreIndex({ shadow, live, schemas }: Places, index: Index): string[] {
  const { name, constraint } = index
  const quoted = quoteIdentifier(name)
  const own = tableSql({ schema: schemas.shadow, table: name })
  const onTable = [
    ...(constraint === null
      ? []
      : commentOn(`CONSTRAINT ${quoteIdentifier(constraint.name)} ON ${shadow}`, constraint.comment)),
    ...(index.clustered ? [`ALTER TABLE ${shadow} CLUSTER ON ${quoted}`] : []),
    ...(index.identity ? [`ALTER TABLE ${shadow} REPLICA IDENTITY USING INDEX ${quoted}`] : []),
  ]
  return [
    ...(constraint !== null || onTable.length > 0 ? [`LOCK TABLE ONLY ${shadow} IN ACCESS EXCLUSIVE MODE`] : []),
    `SET LOCAL default_tablespace = ${quoteLiteral(index.tablespace ?? '')}`,
    ...creation(live, shadow, index),
    ...index.statistics.map(
      ({ column, target }) => `ALTER INDEX ${own} ALTER COLUMN ${column} SET STATISTICS ${target}`,
    ),
    ...index.extensions.map((extension) => `ALTER INDEX ${own} DEPENDS ON EXTENSION ${quoteIdentifier(extension)}`),
    ...commentOn(`INDEX ${own}`, index.comment),
    ...onTable,
  ]
}

/** A key's index is built from its own definition, which has its storage options, and is then made the constraint's. */
function creation(live: string, shadow: string, index: Index): string[] {
  const { name, method, constraint } = index
  const definition = (): string => {
    if (!index.definition.startsWith(index.headWithTable))
      throw new Error(`The definition of index ${name} of ${live} is of an unknown form`)
    return `${index.head}${shadow}${index.definition.slice(index.head.length + live.length)}`
  }
  if (constraint === null) return [definition()]
  const add = `ALTER TABLE ${shadow} ADD CONSTRAINT ${quoteIdentifier(constraint.name)}`
  if (constraint.type === 'x' || method !== 'btree') return [`${add} ${constraint.definition}`]
  const kind = constraint.type === 'p' ? 'PRIMARY KEY' : 'UNIQUE'
  const deferred = constraint.deferred ? 'DEFERRED' : 'IMMEDIATE'
  const deferral = constraint.deferrable ? ` DEFERRABLE INITIALLY ${deferred}` : ''
  return [definition(), `${add} ${kind} USING INDEX ${quoteIdentifier(name)}${deferral}`]
}

async function lateChecks(client: pg.Client, { entity, live, shadow }: Places): Promise<ShadowObject[]> {
  const table = (await readLiveTables(client, [live])).get(live)
  return (table?.checks ?? [])
    .filter(({ validated }) => !validated)
    .map(({ name, definition, comment }) => ({
      entity: entity.name,
      kind: 'constraint',
      name,
      restore: addConstraint(shadow, name, definition, comment),
    }))
}

const FOREIGN_KEY = z.object({
  name: z.string(),
  definition: z.string(),
  /** How the definition begins: to the referred table's name, and with it. */
  head: z.string(),
  /** `schema.table`, quoted. */
  referred: z.string(),
  comment: z.string().nullable(),
  disabled: z.boolean(),
})

async function foreignKeys(client: pg.Client, place: Places, places: readonly Places[]): Promise<ShadowObject[]> {
  const shadows = new Map(places.map(({ live, shadow }) => [live, shadow]))
  return (await readForeignKeys(client, place)).flatMap((key) => {
    if (key.disabled) throw disabledTriggers(place.live, key.name)
    const referred = shadows.get(key.referred)
    if (referred === undefined) return []
    return [
      {
        entity: place.entity.name,
        kind: 'foreign key' as const,
        name: key.name,
        restore: addConstraint(place.shadow, key.name, rewritten(place, key, referred), key.comment),
      },
    ]
  })
}

async function readForeignKeys(client: pg.Client, { live }: Places): Promise<z.infer<typeof FOREIGN_KEY>[]> {
  return await jsonRows(
    client,
    FOREIGN_KEY,
    `SELECT json_build_object(
       'name', con.conname, 'definition', pg_get_constraintdef(con.oid),
       'head', format('FOREIGN KEY (%s) REFERENCES ',
         (SELECT string_agg(format('%I', a.attname), ', ' ORDER BY k.place)
            FROM unnest(con.conkey) WITH ORDINALITY AS k (attnum, place)
            JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = k.attnum)),
       'referred', format('%I.%I', n.nspname, r.relname), 'comment', obj_description(con.oid, 'pg_constraint'),
       'disabled', EXISTS (SELECT FROM pg_trigger WHERE tgconstraint = con.oid AND tgenabled <> 'O')) AS row
     FROM pg_constraint con JOIN pg_class r ON r.oid = con.confrelid JOIN pg_namespace n ON n.oid = r.relnamespace
     WHERE con.conrelid = to_regclass($1) AND con.contype = 'f' AND con.conparentid = 0 ORDER BY con.conname`,
    [live],
  )
}

function disabledTriggers(table: string, name: string): Failure {
  return new Failure(
    4,
    `Foreign key ${quoteIdentifier(name)} of table ${table} has disabled triggers, which cannot be carried over: enable them (ALTER TABLE … ENABLE TRIGGER ALL, on both its tables) or drop it, then run replay again.`,
  )
}

function rewritten(
  { live }: Places,
  { name, definition, head, referred }: z.infer<typeof FOREIGN_KEY>,
  to: string,
): string {
  if (!definition.startsWith(`${head}${referred}(`))
    throw new Error(`The definition of foreign key ${name} of ${live} is of an unknown form`)
  return `${head}${to}${definition.slice(head.length + referred.length)}`
}

function addConstraint(table: string, name: string, definition: string, comment: string | null): string[] {
  const quoted = quoteIdentifier(name)
  return [
    `ALTER TABLE ${table} ADD CONSTRAINT ${quoted} ${definition}`,
    ...commentOn(`CONSTRAINT ${quoted} ON ${table}`, comment),
  ]
}
