import { readFileSync } from 'node:fs'

/** The monolith's schema as Prisma's migrations made it, in the order in which its parts are created. */
export const MONOLITH_DDL = {
  types: sql('types.sql'),
  /** Without any key. */
  tables: sql('tables.sql'),
  keysAndIndexes: sql('keys-and-indexes.sql'),
  /** Those that will cross services included. */
  foreignKeys: sql('foreign-keys.sql'),
}

function sql(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8')
}
