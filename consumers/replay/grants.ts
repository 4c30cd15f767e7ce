import type pg from 'pg'
import { z } from 'zod'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { jsonRows } from '../../infra/catalog/json-rows.ts'

/** What `pg_has_role` is asked, in SQL, where a session wants to act as a role or give things to it. */
export const BECOMING = `CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END`

const GRANT = z.object({
  column: z.string().nullable(),
  /** Null for PUBLIC. */
  grantee: z.string().nullable(),
  grantor: z.string(),
  /** Whether the grantor is the owner, in whose name a grant is made by whoever has the owner's rights. */
  byOwner: z.boolean(),
  /** Whether the session may act as the grantor. */
  mayActAs: z.boolean(),
  plain: z.array(z.string()),
  withOption: z.array(z.string()),
})

export type Grant = z.infer<typeof GRANT>

/**
 * The rights on tables and sequences, by their quoted names: those on the whole, then those on columns, each in the order in which they were given: one may rest on
 * the grant option of an earlier one. What was never touched reads as what the owner has by default.
 *
 * Manual: "Privileges", and "aclexplode" under "Access Privilege Inquiry Functions".
 */
export async function readGrants(client: pg.Client, relations: readonly string[]): Promise<Map<string, Grant[]>> {
  const rows = await jsonRows(
    client,
    z.object({ relation: z.string(), grant: GRANT }),
    `SELECT json_build_object('relation', wanted.name, 'grant', json_build_object(
       'column', l.attname, 'grantee', CASE WHEN x.grantee <> 0 THEN pg_get_userbyid(x.grantee) END,
       'grantor', pg_get_userbyid(x.grantor), 'byOwner', x.grantor = c.relowner, 'mayActAs', pg_has_role(x.grantor, ${BECOMING}),
       'plain', coalesce(json_agg(x.privilege_type ORDER BY x.privilege_type) FILTER (WHERE NOT x.is_grantable), '[]'),
       'withOption', coalesce(json_agg(x.privilege_type ORDER BY x.privilege_type) FILTER (WHERE x.is_grantable), '[]'))) AS row
     FROM unnest($1::text[]) AS wanted (name) JOIN pg_class c ON c.oid = to_regclass(wanted.name)
     CROSS JOIN LATERAL (
       SELECT 0 AS attnum, NULL::name AS attname,
              coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)) AS acl
       UNION ALL
       SELECT attnum, attname, attacl FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
                                                          AND attacl IS NOT NULL) AS l
     CROSS JOIN LATERAL unnest(l.acl) WITH ORDINALITY AS item (acl, place)
     CROSS JOIN LATERAL aclexplode(ARRAY[item.acl]) AS x
     GROUP BY wanted.name, l.attnum, l.attname, item.place, x.grantee, x.grantor, c.relowner
     ORDER BY l.attnum, item.place`,
    [relations],
  )
  const grants = new Map(relations.map((relation): [string, Grant[]] => [relation, []]))
  for (const { relation, grant } of rows) grants.get(relation)?.push(grant)
  return grants
}

/**
 * What gives a shadow the rights of the relation in use and no others. Where they are not the same all are taken away
 * first: default privileges may have given some.
 */
export function grantSteps(
  live: readonly Grant[],
  shadow: readonly Grant[],
  { object, schema, owner }: { readonly object: string; readonly schema: string; readonly owner: string },
): string[] {
  if (JSON.stringify(live) === JSON.stringify(shadow)) return []
  const grantees = new Set([owner, ...shadow.map(({ grantee }) => grantee)])
  return [
    ...[...grantees].map((grantee) => `REVOKE ALL ON ${object} FROM ${role(grantee)} CASCADE`),
    ...live.flatMap((grant) => grantStatements(grant, object, schema)),
  ]
}

/**
 * A grant that someone else than the owner made is made in their name where the session may act in it, and else in the
 * owner's. Manual: "GRANT", notes on who the grantor is.
 */
function grantStatements(grant: Grant, object: string, schema: string): string[] {
  const give = (privileges: readonly string[], option: string): string[] =>
    privileges.length === 0
      ? []
      : [`GRANT ${privilegeList(grant, privileges)} ON ${object} TO ${role(grant.grantee)}${option}`]
  const statements = [...give(grant.plain, ''), ...give(grant.withOption, ' WITH GRANT OPTION')]
  if (grant.byOwner || !grant.mayActAs) return statements
  const grantor = quoteIdentifier(grant.grantor)
  return [
    `GRANT USAGE ON SCHEMA ${quoteIdentifier(schema)} TO ${grantor}`,
    `SET LOCAL ROLE ${grantor}`,
    ...statements,
    'RESET ROLE',
  ]
}

function privilegeList({ column }: Grant, privileges: readonly string[]): string {
  const columns = column === null ? '' : ` (${quoteIdentifier(column)})`
  return privileges.map((privilege) => `${privilege}${columns}`).join(', ')
}

function role(name: string | null): string {
  return name === null ? 'PUBLIC' : quoteIdentifier(name)
}
