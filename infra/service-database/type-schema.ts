/** An identifier as PostgreSQL prints it, and the dot that follows a schema's. */
const SCHEMA = /^(?:"((?:[^"]|"")+)"|([^".]+))\./

/** The schema in a type's name as `format_type` prints it; null for a type of PostgreSQL's own. */
export function schemaOfType(name: string): string | null {
  const [, quoted, plain] = SCHEMA.exec(name) ?? []
  return quoted?.replaceAll('""', '"') ?? plain ?? null
}
