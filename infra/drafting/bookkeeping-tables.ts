/**
 * Where the usual tools for migrations keep what they have run, in lower case: rows of these say what was done to the
 * monolith's schema, and mean nothing in a service.
 */
const BOOKKEEPING = new Set([
  '__diesel_schema_migrations',
  '__drizzle_migrations',
  '__efmigrationshistory',
  '__migrations',
  '_migrations',
  '_prisma_migrations',
  '_sqlx_migrations',
  'alembic_version',
  'ar_internal_metadata',
  'atlas_schema_revisions',
  'databasechangelog',
  'databasechangeloglock',
  'django_migrations',
  'doctrine_migration_versions',
  'ef_migrations_history',
  'flyway_schema_history',
  'goose_db_version',
  'gorp_migrations',
  'knex_migrations',
  'knex_migrations_lock',
  'kysely_migration',
  'kysely_migration_lock',
  'migration_versions',
  'migrations',
  'mikro_orm_migrations',
  'pgmigrations',
  'phinxlog',
  'play_evolutions',
  'refinery_schema_history',
  'schema_info',
  'schema_migrations',
  'schema_version',
  'schemaversions',
  'sequelize_meta',
  'sequelizemeta',
  'typeorm_metadata',
  'typeorm_migrations',
])

export function isBookkeeping(table: string): boolean {
  return BOOKKEEPING.has(table.toLowerCase())
}
