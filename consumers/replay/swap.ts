import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier, quoteLiteral } from '../../contracts/language/quoting.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import { type LockPatience, withLockPatience } from '../../infra/prepare/lock-patience.ts'
import { createSchemaSql } from '../../infra/service-database/ddl.ts'
import {
  addMembership,
  addOuterKey,
  dropMembership,
  dropOuterKey,
  ownedBy,
  ownedByNone,
  readMemberships,
  readOuterKeys,
  readOwnedSequences,
  validateOuterKey,
} from './carried-over.ts'
import { shadowStatistics } from './create-shadow.ts'
import { readDependents } from './dependents.ts'
import { finishShadow } from './finish-shadow.ts'
import { lockTables, readNeighbours, SWAP_PATIENCE } from './lock-tables.ts'
import { type Identity, type LiveTable, readLiveTables, runAll } from './live-table.ts'
import { type Places, placesOf, type Shadow } from './shadow-schema.ts'
import { alteredTables, fingerprintOf, readStructures, structureLack, type Structures } from './structure.ts'
import { createBelonging, readBelongings } from './table-belongings.ts'

export interface Swapping {
  readonly service: Service
  readonly shadow: Shadow
  /** `readFingerprint` of the tables in use, from the transaction in which the shadows were made. */
  readonly fingerprint: string
  /** For sentences, for example `the database of service iam`. */
  readonly where: string
  readonly patience?: LockPatience
}

/**
 * Puts the shadows in the place of the tables in use, in one transaction: the old ones go to the schemas of the replaced,
 * with their indexes, and the new ones come with theirs. What only one table can have comes over with it: names and
 * positions of identity sequences, sequences of serial columns, memberships in publications, foreign keys from and to
 * tables outside the service. A table that is missing is put in place. At the end the catalog must say of each new table
 * what it said of the old one.
 *
 * Statements that come meanwhile wait, find the new table by its name, and go on, prepared ones too. A REPEATABLE READ
 * transaction whose snapshot is older than the loading of the shadow, and which touches the table first after the swap,
 * sees an empty table, or what of it was loaded before its snapshot: PostgreSQL has no rows for it that are older. One
 * that has touched a table before holds its lock, so that the swap waits for it.
 *
 * The positions of serial sequences stay; those of identity columns become the further one of both tables. What was
 * loaded since may be further than either: `advanceSequences` sees to that.
 * Who called `nextval` on an identity column's sequence itself, and waits for it just then, gets a number of the old one.
 * @param alongside what has to become true with the swap. It may run several times, of which only the last one holds, and
 * waits briefly for its own locks too.
 * @returns statements, each for a transaction of its own, that make the foreign keys from and to other tables valid again.
 * @throws Failure 4 where a table was altered since its shadow was made, where something has come to rest on it, where a
 * shadow is not complete, or where a lock was held all the time.
 */
export async function swap(
  client: pg.Client,
  swapping: Swapping,
  alongside: (client: pg.Client, validations: readonly string[]) => Promise<unknown>,
): Promise<string[]> {
  const { service, shadow, where, patience = SWAP_PATIENCE } = swapping
  const places = placesOf(service, shadow)
  const neighbours = await readNeighbours(client, places)
  const hindered = `the replayed tables of service ${service.name} could not be put in place`
  const locking = { hindered, where, tables: neighbours, mode: 'ACCESS EXCLUSIVE' } as const
  const lockAll = lockTables(neighbours, patience)
  return await withLockPatience(client, locking, patience, async () => {
    await lockAll(client)
    const validations = await exchange(client, swapping, places)
    await alongside(client, validations)
    return validations
  })
}

interface Exchanged extends Places {
  /** Null where it is missing. */
  readonly table: LiveTable | null
}

async function exchange(client: pg.Client, swapping: Swapping, places: readonly Places[]): Promise<string[]> {
  const { service, shadow } = swapping
  const lives = places.map(({ live }) => live)
  const before = await readStructures(client, lives)
  refuseAltered(swapping, before)
  await refuseDependents(client, service)
  await finishShadow(client, service, shadow)
  const tables = await readLiveTables(client, lives)
  const exchanged = places.map((place) => ({ ...place, table: tables.get(place.live) ?? null }))
  const steps = await carryingSteps(client, exchanged)
  await runAll(client, [
    ...steps.before,
    ...(await schemaSteps(client, shadow, exchanged)),
    ...exchanged.flatMap(moveSteps),
    ...exchanged.flatMap(arrivalSteps),
    ...steps.after,
  ])
  await refuseIncomplete(client, before)
  return steps.validations
}

function refuseAltered({ fingerprint }: Swapping, structures: Structures): void {
  const [first] = alteredTables(fingerprint, fingerprintOf(structures))
  if (first !== undefined)
    throw new Failure(
      4,
      `Table ${first} was altered since its shadow was made, so that it was not replaced: run replay --restart, which makes the shadow anew.`,
    )
}

async function refuseDependents(client: pg.Client, service: Service): Promise<void> {
  const [first] = await readDependents(client, service)
  if (first !== undefined)
    throw new Failure(
      4,
      `Table ${first.table} cannot be replaced by its shadow (${first.description}): remove that, run replay again, and make it anew afterwards.`,
    )
}

/** What is taken from the tables in use, and given to the new ones in their place. */
async function carryingSteps(
  client: pg.Client,
  exchanged: readonly Exchanged[],
): Promise<{ before: string[]; after: string[]; validations: string[] }> {
  const lives = exchanged.map(({ live }) => live)
  const keys = await readOuterKeys(client, lives)
  const memberships = await readMemberships(client, lives)
  const sequences = await readOwnedSequences(client, lives)
  const late = (await readBelongings(client, lives, lives)).filter((belonging) => belonging.late)
  return {
    before: [...keys.map(dropOuterKey), ...memberships.map(dropMembership), ...sequences.map(ownedByNone)],
    after: [
      ...sequences.map(ownedBy),
      ...memberships.map(addMembership),
      ...late.flatMap((belonging) => createBelonging(belonging, belonging.table)),
      ...keys.flatMap(addOuterKey),
    ],
    validations: keys.flatMap(validateOuterKey),
  }
}

async function schemaSteps(client: pg.Client, { schemas }: Shadow, exchanged: readonly Exchanged[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>('SELECT nspname AS name FROM pg_namespace')
  const present = new Set(rows.map(({ name }) => name))
  const replacing = new Set(exchanged.flatMap(({ table, schemas: own }) => (table === null ? [] : [own.replaced])))
  return schemas
    .flatMap(({ live, replaced }) => [live, ...(replacing.has(replaced) ? [replaced] : [])])
    .filter((schema) => !present.has(schema))
    .map(createSchemaSql)
}

/** Indexes, constraints and identity sequences go where their table goes. Manual: "ALTER TABLE", SET SCHEMA. */
function moveSteps({ live, shadow, schemas, table }: Exchanged): string[] {
  return [
    ...(table === null ? [] : [`ALTER TABLE ${live} SET SCHEMA ${quoteIdentifier(schemas.replaced)}`]),
    `ALTER TABLE ${shadow} SET SCHEMA ${quoteIdentifier(schemas.live)}`,
  ]
}

function arrivalSteps({ schemas, table }: Exchanged): string[] {
  if (table === null) return []
  return [
    ...table.statistics.flatMap((statistics) => {
      const { schema, name } = statistics
      return [
        `DROP STATISTICS ${tableSql({ schema, table: name })}`,
        `ALTER STATISTICS ${shadowStatistics(schemas.shadow, statistics)} RENAME TO ${quoteIdentifier(name)}`,
        `ALTER STATISTICS ${tableSql({ schema: schemas.shadow, table: name })} SET SCHEMA ${quoteIdentifier(schema)}`,
      ]
    }),
    ...table.columns.flatMap(({ identity }) => (identity === null ? [] : [positionStep(schemas, identity)])),
  ]
}

/**
 * The old sequence went with its table and is locked since, so that its position is final. A new one that is further,
 * past the rows that were loaded, does not go back.
 */
function positionStep({ live, replaced }: Places['schemas'], { sequence, increment, cycle }: Identity): string {
  const [now, old] = [tableSql({ schema: live, table: sequence }), tableSql({ schema: replaced, table: sequence })]
  const ahead = `(old.last_value::numeric - now.last_value) * sign(${increment}::numeric)`
  return (
    `SELECT setval(${quoteLiteral(now)}::regclass, old.last_value, old.is_called) FROM ${old} AS old, ${now} AS now ` +
    `WHERE ${cycle} OR NOT now.is_called OR ${ahead} > 0 OR ${ahead} = 0 AND old.is_called`
  )
}

/** The catalog says of the new tables all that it said of the old ones, or nothing has happened. */
async function refuseIncomplete(client: pg.Client, before: Structures): Promise<void> {
  const after = await readStructures(client, [...before.keys()])
  for (const [table, wanted] of before) {
    const lack = wanted === null ? null : structureLack(wanted, after.get(table) ?? [])
    if (lack !== null)
      throw new Failure(
        4,
        `Table ${table} was not replaced, since its shadow is not yet as it is (${lack}): run replay again, which builds what is missing.`,
      )
  }
}
