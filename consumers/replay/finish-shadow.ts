import type pg from 'pg'
import { z } from 'zod'
import type { Service } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier, quoteLiteral } from '../../contracts/language/quoting.ts'
import { jsonRows } from '../../infra/catalog/json-rows.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import { grantSteps, readGrants } from './grants.ts'
import { runAll } from './live-table.ts'
import { type Places, placesOf, type Shadow } from './shadow-schema.ts'
import { belongingSteps, readBelongings } from './table-belongings.ts'

/**
 * Gives the shadows what else belongs to the tables in use, without touching those: owner, rights on tables, columns and
 * identity sequences, row security, policies, triggers with their state, comments, security labels, and a replica
 * identity that names no index. What is there already stays, so that it may run again and again, and the swap runs it
 * too. `SET LOCAL` and locks are the transaction's, which is the caller's.
 *
 * Of what only one can have, and of what would bind other tables to rows that nobody sees yet, nothing is given here:
 * see `swap`.
 */
export async function finishShadow(client: pg.Client, service: Service, shadow: Shadow): Promise<void> {
  const places = placesOf(service, shadow)
  const lives = places.map(({ live }) => live)
  const tables = places.flatMap((place) => [place.live, place.shadow])
  const relations = await readRelations(client, tables)
  const belongings = await readBelongings(client, tables, lives)
  const pairs = places.flatMap((place) => {
    const [live, own] = [relations.get(place.live), relations.get(place.shadow)]
    return live === undefined || own === undefined ? [] : [{ place, live, own }]
  })
  await runAll(
    client,
    pairs.flatMap(({ place, live, own }) => [
      ...relationSteps(place, live, own),
      ...belongingSteps(
        belongings.filter(({ table }) => table === place.live),
        belongings.filter(({ table }) => table === place.shadow),
        place.shadow,
      ),
    ]),
  )
  await finishGrants(client, pairs)
}

const TEXTS = z.array(z.object({ on: z.string(), column: z.string().nullable(), text: z.string().nullable() }))

const RELATION = z.object({
  owner: z.string(),
  security: z.boolean(),
  forced: z.boolean(),
  identity: z.enum(['d', 'n', 'f', 'i']),
  /** Bare names of the sequences of identity columns. */
  sequences: z.array(z.string()),
  comments: TEXTS,
  labels: z.array(z.object({ provider: z.string(), column: z.string().nullable(), text: z.string() })),
  sequenceComments: z.array(z.object({ sequence: z.string(), text: z.string().nullable() })),
})

type Relation = z.infer<typeof RELATION>

const SEQUENCES = `
  pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
   WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
     AND d.refobjsubid > 0 AND d.deptype = 'i'`

async function readRelations(client: pg.Client, tables: readonly string[]): Promise<Map<string, Relation>> {
  const rows = await jsonRows(
    client,
    z.object({ table: z.string(), relation: RELATION }),
    `SELECT json_build_object('table', wanted.name, 'relation', json_build_object(
       'owner', pg_get_userbyid(c.relowner), 'security', c.relrowsecurity, 'forced', c.relforcerowsecurity,
       'identity', c.relreplident,
       'sequences', (SELECT coalesce(json_agg(s.relname ORDER BY s.relname), '[]') FROM ${SEQUENCES}),
       'comments', (SELECT json_agg(json_build_object('on', target, 'column', attname, 'text', text) ORDER BY attnum)
                      FROM (SELECT 'TABLE' AS target, 0 AS attnum, NULL::name AS attname, obj_description(c.oid, 'pg_class') AS text
                            UNION ALL
                            SELECT 'COLUMN', attnum, attname, col_description(c.oid, attnum) FROM pg_attribute
                             WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS texts),
       'labels', (SELECT coalesce(json_agg(json_build_object('provider', l.provider, 'column', a.attname, 'text', l.label)
                                           ORDER BY l.provider, l.objsubid), '[]')
                    FROM pg_seclabel l LEFT JOIN pg_attribute a ON a.attrelid = l.objoid AND a.attnum = l.objsubid AND l.objsubid > 0
                   WHERE l.classoid = 'pg_class'::regclass AND l.objoid = c.oid),
       'sequenceComments', (SELECT coalesce(json_agg(json_build_object('sequence', s.relname,
                              'text', obj_description(s.oid, 'pg_class')) ORDER BY s.relname), '[]') FROM ${SEQUENCES}))) AS row
     FROM unnest($1::text[]) AS wanted (name) JOIN pg_class c ON c.oid = to_regclass(wanted.name) AND c.relkind = 'r'`,
    [tables],
  )
  return new Map(rows.map(({ table, relation }) => [table, relation]))
}

const REPLICA_IDENTITIES: Readonly<Record<Relation['identity'], string | null>> = {
  d: 'DEFAULT',
  n: 'NOTHING',
  f: 'FULL',
  // The index brings it along as it is built.
  i: null,
}

function relationSteps({ shadow, schemas }: Places, live: Relation, own: Relation): string[] {
  const alter = `ALTER TABLE ${shadow}`
  const identity = REPLICA_IDENTITIES[live.identity]
  return [
    ...(live.owner === own.owner
      ? []
      : [
          `GRANT USAGE, CREATE ON SCHEMA ${quoteIdentifier(schemas.shadow)} TO ${quoteIdentifier(live.owner)}`,
          `${alter} OWNER TO ${quoteIdentifier(live.owner)}`,
        ]),
    ...(live.security === own.security ? [] : [`${alter} ${live.security ? 'ENABLE' : 'DISABLE'} ROW LEVEL SECURITY`]),
    ...(live.forced === own.forced ? [] : [`${alter} ${live.forced ? 'FORCE' : 'NO FORCE'} ROW LEVEL SECURITY`]),
    ...(live.identity === own.identity || identity === null ? [] : [`${alter} REPLICA IDENTITY ${identity}`]),
    ...textSteps(
      live.comments,
      own.comments,
      ({ on, column, text }) => `COMMENT ON ${on} ${spot(shadow, column)} IS ${literal(text)}`,
    ),
    ...textSteps(
      live.sequenceComments,
      own.sequenceComments,
      ({ sequence, text }) =>
        `COMMENT ON SEQUENCE ${tableSql({ schema: schemas.shadow, table: sequence })} IS ${literal(text)}`,
    ),
    ...textSteps(
      live.labels,
      own.labels,
      ({ provider, column, text }) =>
        `SECURITY LABEL FOR ${quoteIdentifier(provider)} ON ${column === null ? 'TABLE' : 'COLUMN'} ${spot(shadow, column)} IS ${literal(text)}`,
    ),
  ]
}

/** The statements for those of the table in use that the shadow does not have just so. */
function textSteps<Text>(live: readonly Text[], own: readonly Text[], statement: (text: Text) => string): string[] {
  const present = new Set(own.map(statement))
  return live.map(statement).filter((text) => !present.has(text))
}

function spot(table: string, column: string | null): string {
  return column === null ? table : `${table}.${quoteIdentifier(column)}`
}

function literal(text: string | null): string {
  return text === null ? 'NULL' : quoteLiteral(text)
}

/** Of tables and of the sequences of their identity columns; the owners are right by now. */
async function finishGrants(
  client: pg.Client,
  pairs: readonly { readonly place: Places; readonly live: Relation }[],
): Promise<void> {
  const objects = pairs.flatMap(({ place: { live, shadow, schemas }, live: { owner, sequences } }) => [
    { from: live, to: shadow, object: `TABLE ${shadow}`, schema: schemas.shadow, owner },
    ...sequences.map((table) => {
      const [from, to] = [tableSql({ schema: schemas.live, table }), tableSql({ schema: schemas.shadow, table })]
      return { from, to, object: `SEQUENCE ${to}`, schema: schemas.shadow, owner }
    }),
  ])
  const grants = await readGrants(
    client,
    objects.flatMap(({ from, to }) => [from, to]),
  )
  await runAll(
    client,
    objects.flatMap((on) => grantSteps(grants.get(on.from) ?? [], grants.get(on.to) ?? [], on)),
  )
}
