import type { ContractSet, Service } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier, quoteLiteral } from '../../contracts/language/quoting.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import { publicationName } from '../prepare/names.ts'

/** The role that publishes the monolith; no service may be called so. */
export function monolithRole(prefix: string): string {
  return `${prefix}_monolith`
}

/** The role that prepares and loads a service's database: at most 63 characters, as prefix and service have at most 31. */
export function serviceRole(prefix: string, service: string): string {
  return `${prefix}_${service}`
}

/**
 * The SQL that makes the role with which `publish` reads the monolith: it may make a slot, read the tables of the
 * contracts, and keep Scission's own record; it changes no row of the monolith. `prepare` and `cancel`, which set
 * replica identities and make the publication, are for the tables' owner. `publish` follows a publication only if it
 * belongs to its own role, so that it is given over, and the role with it. Manual: "GRANT", "CREATE ROLE", "ALTER PUBLICATION".
 */
export function monolithRoleSql(set: ContractSet, prefix: string): string {
  const role = monolithRole(prefix)
  const entities = set.services.flatMap((service) => service.entities)
  const schemas = [...new Set(entities.map(({ schema }) => schema))].map(quoteIdentifier)
  return script(
    [
      `-- The role ${role}, with which publish reads the monolith ${set.name} and writes none of its tables.`,
      '-- Run it in its database after prepare, as the role that ran it or as a superuser, and again whenever prepare did',
      `-- something. Then give it a password: \\password ${role}. Where tables have row-level security, a superuser lets it`,
      `-- see all rows: ALTER ROLE ${quoteIdentifier(role)} BYPASSRLS.`,
    ],
    [
      createRoleSql(role, 'LOGIN REPLICATION'),
      ...databaseGrants(role, 'CONNECT'),
      `GRANT USAGE ON SCHEMA ${schemas.join(', ')} TO ${quoteIdentifier(role)}`,
      `GRANT SELECT ON TABLE\n  ${entities.map(tableSql).join(',\n  ')}\n  TO ${quoteIdentifier(role)}`,
      '-- What Scission keeps there of itself: which slot is whose, and what was prepared.\nCREATE SCHEMA IF NOT EXISTS scission',
      `GRANT USAGE, CREATE ON SCHEMA scission TO ${quoteIdentifier(role)}`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA scission TO ${quoteIdentifier(role)}`,
      `ALTER DEFAULT PRIVILEGES IN SCHEMA scission GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${quoteIdentifier(role)}`,
      giveRoleSql(role),
      givePublicationSql(role, publicationName(prefix)),
    ],
  )
}

/**
 * Whoever prepares goes on having a say in what the role has: by the role alone the publication is theirs, without which
 * they could neither prepare again nor cancel. A superuser who runs the script need not be the one who prepared.
 */
function giveRoleSql(role: string): string {
  return doSql([
    'DECLARE preparer name;',
    'BEGIN',
    '  FOR preparer IN',
    `    SELECT rolname FROM pg_catalog.pg_roles WHERE NOT rolsuper AND rolname <> ${quoteLiteral(role)} AND (`,
    '      rolname = current_user',
    "      OR oid = (SELECT relowner FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass('scission.preparation')))",
    '  LOOP',
    `    EXECUTE pg_catalog.format('GRANT %I TO %I', ${quoteLiteral(role)}, preparer);`,
    '  END LOOP;',
    'END;',
  ])
}

/** A publication's new owner must be allowed to create in the database, at that moment alone. */
function givePublicationSql(role: string, publication: string): string {
  const onDatabase = (verb: string, to: string): string =>
    `  EXECUTE pg_catalog.format('${verb} CREATE ON DATABASE %I ${to} %I', pg_catalog.current_database(), ${quoteLiteral(role)});`
  return doSql([
    `IF EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = ${quoteLiteral(publication)}) THEN`,
    onDatabase('GRANT', 'TO'),
    `  ALTER PUBLICATION ${quoteIdentifier(publication)} OWNER TO ${quoteIdentifier(role)};`,
    onDatabase('REVOKE', 'FROM'),
    'END IF;',
  ])
}

/**
 * The SQL that makes the role with which `prepare`, `consume` and `verify` use a service's database: it owns what it makes
 * there and is granted nothing elsewhere. Extensions are made by whoever runs this, since most of them take a superuser.
 */
export function serviceRoleSql(service: Service, prefix: string): string {
  const role = serviceRole(prefix, service.name)
  const extensions = service.types.filter(({ create }) => create.startsWith('CREATE EXTENSION '))
  return script(
    [
      `-- The role ${role}, with which prepare, consume and verify use the database of service ${service.name}.`,
      `-- Run it in that database as a superuser, then give the role a password: \\password ${role}.`,
    ],
    [
      createRoleSql(role, 'LOGIN'),
      ...databaseGrants(role, 'CONNECT, CREATE, TEMPORARY'),
      `GRANT USAGE, CREATE ON SCHEMA public TO ${quoteIdentifier(role)}`,
      ...extensions.map(({ create }) => create),
      replicationRoleSql(role),
    ],
  )
}

/** A role that is there is left as it is: it may have a password. */
function createRoleSql(role: string, attributes: string): string {
  return doSql([
    `IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${quoteLiteral(role)}) THEN`,
    `  CREATE ROLE ${quoteIdentifier(role)} ${attributes} NOSUPERUSER NOCREATEDB NOCREATEROLE;`,
    'END IF;',
  ])
}

/** The database is the one that the script runs in, whatever it is called. */
function databaseGrants(role: string, privileges: string): string[] {
  const grant = `'GRANT ${privileges} ON DATABASE %I TO %I'`
  return [doSql([`EXECUTE pg_catalog.format(${grant}, pg_catalog.current_database(), ${quoteLiteral(role)});`])]
}

/**
 * By it triggers and foreign keys of the service's own tables keep still while rows of the log are written. It can be
 * granted from PostgreSQL 15 on; without it a consumer does, and refuses where such triggers would run.
 */
function replicationRoleSql(role: string): string {
  return doSql([
    "IF pg_catalog.current_setting('server_version_num')::integer >= 150000 THEN",
    // Older servers would not even parse the statement.
    `  EXECUTE pg_catalog.format('GRANT SET ON PARAMETER session_replication_role TO %I', ${quoteLiteral(role)});`,
    'END IF;',
  ])
}

function doSql(lines: readonly string[]): string {
  return `DO $do$ BEGIN\n${lines.map((line) => `  ${line}`).join('\n')}\nEND $do$`
}

function script(title: readonly string[], statements: readonly string[]): string {
  return `${[title.join('\n'), ...statements.map((sql) => `${sql};`)].join('\n\n')}\n`
}
