/** Without `$`, which the parser takes but `quote_ident` and `format_type` quote. */
const PLAIN_IDENTIFIER = /^[a-z_][a-z0-9_]*$/

/**
 * Quotes one identifier as PostgreSQL's `quote_ident` does for names that are not plain lower case; a plain one stays
 * as it is unless it is reserved. Manual: "Identifiers and Key Words".
 */
export function quoteIdentifier(name: string): string {
  if (name.includes('\0')) throw new RangeError(`An identifier cannot hold a NUL: ${JSON.stringify(name)}`)
  return PLAIN_IDENTIFIER.test(name) && !RESERVED.has(name) ? name : `"${name.replaceAll('"', '""')}"`
}

/** Quotes a string literal for DDL, where no parameter can stand. Assumes `standard_conforming_strings = on`. */
export function quoteLiteral(value: string): string {
  if (value.includes('\0')) throw new RangeError(`A literal cannot hold a NUL: ${JSON.stringify(value)}`)
  return `'${value.replaceAll("'", "''")}'`
}

/** The words that `quote_ident` quotes: those that are not "unreserved" in the manual's appendix of key words. */
const RESERVED = new Set(
  (
    'all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast ' +
    'char character check coalesce collate collation column concurrently constraint create cross current_catalog ' +
    'current_date current_role current_schema current_time current_timestamp current_user dec decimal default ' +
    'deferrable desc distinct do else end except exists extract false fetch float for foreign freeze from full grant ' +
    'greatest group grouping having ilike in initially inner inout int integer intersect interval into is isnull join ' +
    'lateral leading least left like limit localtime localtimestamp national natural nchar none normalize not notnull ' +
    'null nullif numeric offset on only or order out outer overlaps overlay placing position precision primary real ' +
    'references returning right row select session_user setof similar smallint some substring symmetric system_user ' +
    'table tablesample then time timestamp to trailing treat trim true union unique user using values varchar variadic ' +
    'verbose when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse ' +
    'xmlpi xmlroot xmlserialize xmltable json json_array json_arrayagg json_object json_objectagg json_scalar ' +
    'json_serialize json_exists json_query json_table json_value merge_action'
  ).split(' '),
)
