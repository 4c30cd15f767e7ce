import type pg from 'pg'
import { z } from 'zod'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { jsonRows } from '../../infra/catalog/json-rows.ts'
import { commentOn } from './live-table.ts'

const BELONGING = z.object({
  /** `schema.table`, quoted. */
  table: z.string(),
  kind: z.enum(['POLICY', 'TRIGGER']),
  name: z.string(),
  /** The statement that makes it, before and after the table's name. */
  head: z.string(),
  tail: z.string(),
  /** Whether the statement was cut where the table's name stands, and nowhere else. */
  known: z.boolean(),
  /** It looks into a table of the service, so that its text means the right one after the swap only. */
  late: z.boolean(),
  enabled: z.enum(['O', 'D', 'A', 'R']),
  extensions: z.array(z.string()),
  comment: z.string().nullable(),
})

/** A policy or a trigger of a table. */
export type Belonging = z.infer<typeof BELONGING>

/**
 * Reads the policies and triggers of tables, but for the triggers of foreign keys.
 * @param tables `schema.table`, quoted, as are the service's tables in use.
 */
export async function readBelongings(
  client: pg.Client,
  tables: readonly string[],
  lives: readonly string[],
): Promise<Belonging[]> {
  const policies = await jsonRows(client, BELONGING, POLICIES, [tables, lives])
  const triggers = await jsonRows(client, BELONGING, TRIGGERS, [tables, lives])
  for (const { kind, name, table, known } of [...policies, ...triggers])
    if (!known) throw new Error(`The definition of ${kind} ${name} of ${table} is of an unknown form`)
  return [...policies, ...triggers]
}

/**
 * A policy's expressions have their own table's columns without its name. A table that a subquery reads stands in the
 * stored tree by its oid; `pg_depend` does not tell a column of the policy's own row from one that a subquery reads.
 * Manual: "CREATE POLICY".
 */
const POLICIES = `
  SELECT json_build_object(
    'table', wanted.name, 'kind', 'POLICY', 'name', p.polname, 'head', format('CREATE POLICY %I ON ', p.polname),
    'tail', format(' AS %s FOR %s TO %s', CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
        CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
        (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(role)) END, ', ')
           FROM unnest(p.polroles) AS role))
      || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
      || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', ''),
    'known', true, 'enabled', 'O', 'extensions', '[]'::json,
    'late', EXISTS (SELECT FROM regexp_matches(concat(p.polqual::text, p.polwithcheck::text), ':relid (\\d+)', 'g') AS found
                     WHERE found[1]::oid IN (SELECT to_regclass(live)::oid FROM unnest($2::text[]) AS live WHERE to_regclass(live) IS NOT NULL)),
    'comment', obj_description(p.oid, 'pg_policy')) AS row
  FROM unnest($1::text[]) AS wanted (name) JOIN pg_policy p ON p.polrelid = to_regclass(wanted.name) ORDER BY p.polname`

/** What stands before the table is built anew from the catalog, so that the table's name is found for certain. */
const TRIGGERS = `
  SELECT json_build_object(
    'table', wanted.name, 'kind', 'TRIGGER', 'name', t.tgname, 'head', head, 'tail', substr(definition, length(head) + length(wanted.name) + 1),
    'known', left(definition, length(head) + length(wanted.name) + 1) = head || wanted.name || ' ',
    'late', EXISTS (SELECT FROM unnest($2::text[]) AS live WHERE to_regclass(live) = t.tgconstrrelid),
    'enabled', t.tgenabled,
    'extensions', (SELECT coalesce(json_agg(e.extname ORDER BY e.extname), '[]')
                     FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
                    WHERE d.classid = 'pg_trigger'::regclass AND d.objid = t.oid AND d.deptype = 'x'
                      AND d.refclassid = 'pg_extension'::regclass),
    'comment', obj_description(t.oid, 'pg_trigger')) AS row
  FROM unnest($1::text[]) AS wanted (name) JOIN pg_trigger t ON t.tgrelid = to_regclass(wanted.name) AND NOT t.tgisinternal
  CROSS JOIN LATERAL (SELECT pg_get_triggerdef(t.oid),
    format('CREATE %sTRIGGER %I %s %s ON ', CASE WHEN t.tgconstraint <> 0 THEN 'CONSTRAINT ' END, t.tgname,
      CASE WHEN t.tgtype & 2 <> 0 THEN 'BEFORE' ELSE 'AFTER' END,
      array_to_string(ARRAY[
        CASE WHEN t.tgtype & 4 <> 0 THEN 'INSERT' END, CASE WHEN t.tgtype & 8 <> 0 THEN 'DELETE' END,
        CASE WHEN t.tgtype & 16 <> 0 THEN 'UPDATE' || coalesce(
          (SELECT ' OF ' || string_agg(format('%I', a.attname), ', ' ORDER BY k.place)
             FROM unnest(t.tgattr) WITH ORDINALITY AS k (attnum, place)
             JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = k.attnum), '') END,
        CASE WHEN t.tgtype & 32 <> 0 THEN 'TRUNCATE' END], ' OR '))) AS texts (definition, head)
  ORDER BY t.tgname`

const ENABLING: Readonly<Record<Belonging['enabled'], string | null>> = {
  O: null,
  D: 'DISABLE',
  A: 'ENABLE ALWAYS',
  R: 'ENABLE REPLICA',
}

/** The statements that make a policy or a trigger on a table. */
export function createBelonging(belonging: Belonging, table: string): string[] {
  const { kind, head, tail, enabled, extensions, comment } = belonging
  const name = quoteIdentifier(belonging.name)
  const enabling = ENABLING[enabled]
  return [
    `${head}${table}${tail}`,
    ...(enabling === null ? [] : [`ALTER TABLE ${table} ${enabling} TRIGGER ${name}`]),
    ...extensions.map(
      (extension) => `ALTER TRIGGER ${name} ON ${table} DEPENDS ON EXTENSION ${quoteIdentifier(extension)}`,
    ),
    ...commentOn(`${kind} ${name} ON ${table}`, comment),
  ]
}

export function dropBelonging({ kind, name }: Belonging, table: string): string {
  return `DROP ${kind} ${quoteIdentifier(name)} ON ${table}`
}

/**
 * What makes a shadow's policies and triggers those of the table in use: what differs is dropped and made again. Those
 * that look into a table of the service are left to the swap.
 */
export function belongingSteps(live: readonly Belonging[], shadow: readonly Belonging[], table: string): string[] {
  const text = (belonging: Belonging): string => createBelonging(belonging, table).join(';')
  const wanted = live.filter(({ late }) => !late)
  const wantedTexts = new Set(wanted.map(text))
  const presentTexts = new Set(shadow.map(text))
  return [
    ...shadow
      .filter((belonging) => !wantedTexts.has(text(belonging)))
      .map((belonging) => dropBelonging(belonging, table)),
    ...wanted
      .filter((belonging) => !presentTexts.has(text(belonging)))
      .flatMap((belonging) => createBelonging(belonging, table)),
  ]
}
