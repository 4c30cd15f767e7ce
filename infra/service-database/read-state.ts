import type pg from 'pg'
import { z } from 'zod'
import { jsonRows } from '../catalog/json-rows.ts'
import { CREATED_OBJECTS_DDL, type CreatedKind } from './created-objects.ts'
import { STATE_DDL } from './state-ddl.ts'

/** What Scission's own tables in a service's database say, as far as `prepare` and `cancel` need it. */
export interface ServiceRecord {
  /** Whether every table of the state is there: a newer release may have more of them. */
  readonly complete: boolean
  /** Null until `prepare` has written it. */
  readonly checkpoint: CheckpointOwner | null
  readonly entities: ReadonlyMap<string, EntityRecord>
  /** In the order in which they were made. */
  readonly created: readonly { readonly kind: CreatedKind; readonly name: string }[]
}

/** Whose database it is. */
export interface CheckpointOwner {
  readonly stateVersion: number
  readonly contractSet: string
  readonly service: string
  readonly prefix: string
}

export interface EntityRecord {
  /** Whether `prepare` made the table, or accepted one that was there. */
  readonly created: boolean
  /** Whether a consumer has begun with it, so that its rows, if any, came from the log. */
  readonly loaded: boolean
  /** Whether something of it was dropped for the loading, to be put back afterwards. */
  readonly setAside: boolean
}

/** The tables that are read here, and all of them. */
const READ_TABLES = ['checkpoint', 'entity', 'set_aside', 'created_object']
const ALL_TABLES = [...STATE_DDL, CREATED_OBJECTS_DDL].flatMap(
  (statement) => /^CREATE TABLE IF NOT EXISTS scission\.(\w+)/.exec(statement)?.[1] ?? [],
)

/** Reads the record; null where the schema `scission`, or a table that is read, is not there. */
export async function readServiceRecord(client: pg.Client): Promise<ServiceRecord | null> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'scission' AND c.relkind = 'r'`,
  )
  const found = new Set(rows.map(({ name }) => name))
  if (!READ_TABLES.every((table) => found.has(table))) return null
  return {
    complete: ALL_TABLES.every((table) => found.has(table)),
    checkpoint: await readCheckpointOwner(client),
    entities: await readEntities(client),
    created: await readCreated(client),
  }
}

const OWNER = z.object({ stateVersion: z.number(), contractSet: z.string(), service: z.string(), prefix: z.string() })

async function readCheckpointOwner(client: pg.Client): Promise<CheckpointOwner | null> {
  const [owner] = await jsonRows(
    client,
    OWNER,
    `SELECT json_build_object('stateVersion', state_version, 'contractSet', contract_set, 'service', service,
                              'prefix', prefix) AS row FROM scission.checkpoint`,
    [],
  )
  return owner ?? null
}

const ENTITY = z.object({ entity: z.string(), created: z.boolean(), loaded: z.boolean(), setAside: z.boolean() })

async function readEntities(client: pg.Client): Promise<Map<string, EntityRecord>> {
  const entities = await jsonRows(
    client,
    ENTITY,
    `SELECT json_build_object('entity', e.entity, 'created', e.created, 'loaded', e.epoch > 0 OR e.attempt > 0,
              'setAside', EXISTS (SELECT FROM scission.set_aside s WHERE s.entity = e.entity)) AS row
       FROM scission.entity e`,
    [],
  )
  return new Map(entities.map(({ entity, ...record }) => [entity, record]))
}

const CREATED = z.object({ kind: z.enum(['schema', 'type']), name: z.string() })

async function readCreated(client: pg.Client): Promise<z.infer<typeof CREATED>[]> {
  return await jsonRows(
    client,
    CREATED,
    `SELECT json_build_object('kind', kind, 'name', name) AS row FROM scission.created_object ORDER BY ordinal`,
    [],
  )
}
