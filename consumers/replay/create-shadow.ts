import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import { createSchemaSql, createTableSql } from '../../infra/service-database/ddl.ts'
import {
  commentOn,
  type Identity,
  type LiveColumn,
  type LiveTable,
  optionList,
  readLiveTables,
  runAll,
  type Statistics,
} from './live-table.ts'
import { type Places, placesOf, type Shadow } from './shadow-schema.ts'

/** Compression of a column can be chosen from then on. */
const COMPRESSION_FROM = 140_000

/** Sequences can be unlogged from then on. */
const UNLOGGED_SEQUENCES_FROM = 150_000

/**
 * Creates the shadow tables in the caller's transaction, with all that rows need and nothing that slows their loading:
 * no index, key, foreign key or trigger, and no check that was never validated, since the rows may break it. The rest
 * is `shadowObjects`' and `finishShadow`'s. A table that is missing is made as the contract has it. Columns are of the
 * live table's own types; the places of its dropped columns vanish.
 *
 * Manual: "CREATE TABLE", LIKE.
 * @throws Failure 4 where a shadow schema exists.
 */
export async function createShadow(client: pg.Client, service: Service, shadow: Shadow): Promise<void> {
  await refuseExistingSchemas(client, service, shadow)
  for (const { shadow: schema } of shadow.schemas) await client.query(createSchemaSql(schema))
  const version = await serverVersion(client)
  // What is made without a TABLESPACE of its own is to lie in the database's.
  await client.query(`SET LOCAL default_tablespace = ''`)
  const all = placesOf(service, shadow)
  const tables = await readLiveTables(
    client,
    all.map(({ live }) => live),
  )
  for (const places of all) {
    const live = tables.get(places.live)
    await runAll(client, live === undefined ? contractStatements(places) : liveStatements(places, live, version))
    if (live !== undefined) await giveToOwners(client, places, live)
  }
}

async function refuseExistingSchemas(client: pg.Client, service: Service, { schemas }: Shadow): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT nspname AS name FROM pg_namespace WHERE nspname = ANY ($1) ORDER BY nspname',
    [schemas.map(({ shadow }) => shadow)],
  )
  const [first] = rows
  if (first !== undefined)
    throw new Failure(
      4,
      `Schema ${first.name} exists already, and no unfinished replay has made it, so that no shadow can be made in it: drop or rename it, then run replay ${service.name} again.`,
    )
}

async function serverVersion(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ server_version_num: string }>('SHOW server_version_num')
  return Number(rows[0]?.server_version_num)
}

function contractStatements({ entity, schemas }: Places): string[] {
  return [createTableSql({ ...entity, schema: schemas.shadow })]
}

function liveStatements({ live, shadow, schemas }: Places, table: LiveTable, version: number): string[] {
  const options = [...optionList(table.options), ...optionList(table.toastOptions, 'toast.')]
  const compression = version >= COMPRESSION_FROM ? ' INCLUDING COMPRESSION' : ''
  return [
    `CREATE ${table.persistence === 'u' ? 'UNLOGGED ' : ''}TABLE ${shadow} (LIKE ${live} INCLUDING DEFAULTS ` +
      `INCLUDING GENERATED INCLUDING STORAGE${compression} INCLUDING COMMENTS) USING ${quoteIdentifier(table.method)}` +
      (options.length > 0 ? ` WITH (${options.join(', ')})` : '') +
      (table.tablespace === null ? '' : ` TABLESPACE ${quoteIdentifier(table.tablespace)}`),
    ...table.checks
      .filter(({ validated }) => validated)
      .flatMap(({ name, definition, comment }) => [
        `ALTER TABLE ${shadow} ADD CONSTRAINT ${quoteIdentifier(name)} ${definition}`,
        ...commentOn(`CONSTRAINT ${quoteIdentifier(name)} ON ${shadow}`, comment),
      ]),
    ...table.columns.flatMap((column) => columnStatements(shadow, schemas.shadow, column, version)),
    ...table.statistics.flatMap((statistics) => statisticsStatements(shadow, schemas.shadow, statistics)),
  ]
}

function columnStatements(
  shadow: string,
  schema: string,
  { name, statistics, options, identity }: LiveColumn,
  version: number,
): string[] {
  const alter = `ALTER TABLE ${shadow} ALTER COLUMN ${quoteIdentifier(name)}`
  return [
    ...(statistics === null ? [] : [`${alter} SET STATISTICS ${statistics}`]),
    ...(options.length > 0 ? [`${alter} SET (${optionList(options).join(', ')})`] : []),
    ...(identity === null ? [] : identityStatements(alter, schema, identity, version)),
  ]
}

function identityStatements(alter: string, schema: string, identity: Identity, version: number): string[] {
  const sequence = tableSql({ schema, table: identity.sequence })
  const options =
    `INCREMENT BY ${identity.increment} MINVALUE ${identity.min} MAXVALUE ${identity.max} START WITH ${identity.start} ` +
    `CACHE ${identity.cache} ${identity.cycle ? 'CYCLE' : 'NO CYCLE'}`
  const add = `${alter} ADD GENERATED ${identity.mode} AS IDENTITY`
  // The sequence of an identity column is made of the column's type, to which these numbers may not fit.
  const made = identity.hasTypeOfColumn
    ? [`${add} (SEQUENCE NAME ${sequence} ${options})`]
    : [`${add} (SEQUENCE NAME ${sequence})`, `ALTER SEQUENCE ${sequence} AS ${identity.type} ${options}`]
  const logged = identity.persistence === 'u' ? 'UNLOGGED' : 'LOGGED'
  return version >= UNLOGGED_SEQUENCES_FROM ? [...made, `ALTER SEQUENCE ${sequence} SET ${logged}`] : made
}

/**
 * Extended statistics do not follow their table into another schema, and may lie in any: they are gathered under a name
 * of ours, and the swap gives them theirs.
 */
export function shadowStatistics(schema: string, { oid }: Pick<Statistics, 'oid'>): string {
  return tableSql({ schema, table: `scission_${oid}` })
}

function statisticsStatements(shadow: string, schema: string, statistics: Statistics): string[] {
  if (!statistics.known) throw new Error(`The definition of statistics ${statistics.name} is of an unknown form`)
  const own = shadowStatistics(schema, statistics)
  return [
    `CREATE STATISTICS ${own} ${statistics.body} FROM ${shadow}`,
    ...(statistics.target === null ? [] : [`ALTER STATISTICS ${own} SET STATISTICS ${statistics.target}`]),
    ...commentOn(`STATISTICS ${own}`, statistics.comment),
  ]
}

/**
 * Owners come last, since who gives a thing away may lose the right to change it. An owner has to have rights on the
 * schema: foreign keys are checked in its name. Manual: "ALTER TABLE", OWNER TO.
 */
async function giveToOwners(client: pg.Client, { shadow, schemas }: Places, table: LiveTable): Promise<void> {
  const schema = schemas.shadow
  const { rows } = await client.query<{ name: string }>('SELECT current_user AS name')
  const us = rows[0]?.name
  const give = async (object: string, owner: string): Promise<void> => {
    if (owner === us) return
    await client.query(`GRANT USAGE, CREATE ON SCHEMA ${quoteIdentifier(schema)} TO ${quoteIdentifier(owner)}`)
    await client.query(`ALTER ${object} OWNER TO ${quoteIdentifier(owner)}`)
  }
  for (const statistics of table.statistics)
    await give(`STATISTICS ${shadowStatistics(schema, statistics)}`, statistics.owner)
  await give(`TABLE ${shadow}`, table.owner)
}
