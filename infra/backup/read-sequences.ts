import type pg from 'pg'
import { z } from 'zod'
import type { TableName } from '../catalog/catalog.ts'
import { jsonRows } from '../catalog/json-rows.ts'
import { tableSql } from '../postgres/digest-sql.ts'

/** A sequence's value, and whether `nextval` has handed it out. */
export interface SequenceValue extends TableName {
  readonly value: string
  readonly isUsed: boolean
}

const NAME = z.object({ schema: z.string(), table: z.string() })
const VALUE = NAME.extend({ value: z.string(), isUsed: z.boolean() })

/** A statement over more sequences than these gains nothing, and its text grows long. */
const SEQUENCES_AT_ONCE = 200

/** Reads every user's sequence, identity columns' included, as it is now: no snapshot holds for sequences. */
export async function readSequences(client: pg.Client): Promise<SequenceValue[]> {
  const names = await jsonRows(
    client,
    NAME,
    `SELECT json_build_object('schema', n.nspname, 'table', c.relname) AS row
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                                 AND d.deptype = 'e')
     ORDER BY n.nspname, c.relname`,
    [],
  )
  const values: SequenceValue[] = []
  for (let first = 0; first < names.length; first += SEQUENCES_AT_ONCE)
    values.push(...(await readValues(client, names.slice(first, first + SEQUENCES_AT_ONCE))))
  return values
}

async function readValues(client: pg.Client, names: readonly TableName[]): Promise<SequenceValue[]> {
  const looks = names.map(
    (name, place) =>
      `SELECT ${place} AS place, json_build_object('value', last_value::text, 'isUsed', is_called) AS found FROM ${tableSql(name)}`,
  )
  return await jsonRows(
    client,
    VALUE,
    `SELECT (found::jsonb || jsonb_build_object('schema', schema, 'table', name)) AS row
     FROM (${looks.join(' UNION ALL ')}) AS looks
     JOIN unnest($1::text[], $2::text[]) WITH ORDINALITY AS names (schema, name, ordinal) ON ordinal = place + 1
     ORDER BY place`,
    [names.map(({ schema }) => schema), names.map(({ table }) => table)],
  )
}

export function sequenceText({ value, isUsed }: Pick<SequenceValue, 'value' | 'isUsed'>): string {
  return isUsed ? value : `${value} (unused)`
}
