import { DiscardPolicy, headers, RetentionPolicy, StorageType } from 'nats'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { digestFromSums, digestText } from '../../../contracts/digest.ts'
import { type ContractSet, type Entity, type Service, wireColumns } from '../../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../../contracts/language/quoting.ts'
import { controlSubject, serviceSubjects, snapshotSubject, streamName } from '../../../contracts/subjects.ts'
import { createRowSplitter } from '../../../contracts/wire/copy-rows.ts'
import { createPageWriter, type FinishedPage } from '../../../contracts/wire/copy-to-page.ts'
import { encodeControl } from '../../../contracts/wire/encode-message.ts'
import { EPOCH_HEADER, NUMBER_HEADER, WRITER_HEADER } from '../../../contracts/wire/headers.ts'
import type { Control, EntityTotals } from '../../../contracts/wire/message.ts'
import { splitIntoParts } from '../../../contracts/wire/parts.ts'
import { shapeHash, shapeOf } from '../../../contracts/wire/shape.ts'
import { type NatsTarget, withNats } from '../../../infra/nats/connect.ts'
import { digestSql, tableSql } from '../../../infra/postgres/digest-sql.ts'
import { type PostgresTarget, withSession } from '../../../infra/postgres/session.ts'
import * as ddl from '../../../infra/service-database/ddl.ts'
import { STATE_DDL } from '../../../infra/service-database/state-ddl.ts'
import { type ServiceDatabase } from '../../../infra/verify/count-references.ts'
import { withDatabases, withPrefix } from '../../with-servers.ts'

/** A log and services that no publisher and no consumer made, so that their mistakes do not hide verify's. */
export interface MadeByHand {
  readonly set: ContractSet
  readonly prefix: string
  readonly nats: NatsTarget
  readonly services: readonly ServiceDatabase[]
}

const SYSTEM_ID = '7000000000000000001'
const CONSISTENCY_POINT = '0/16B3748'
const EPOCH = 1

/** Attempt 1 of every entity is void: its pages are there, and must not count. */
const ATTEMPT = 2

/** Small pages, so that a table of a few rows has several. */
const PAGE_BYTES = 2_000
const LIMIT_BYTES = 200_000

/** Writes the monolith's rows into a log and into one database a service, as a whole path would have left them. */
export async function withServicesMadeByHand<Result>(
  set: ContractSet,
  monolithUrl: string,
  use: (made: MadeByHand) => Promise<Result>,
): Promise<Result> {
  const monolith = target('monolith', monolithUrl)
  return await withPrefix(
    async (prefix, { url }) =>
      await withDatabases(
        set.services.map(({ name }) => name),
        async (urls) => {
          const nats = { url, credentialsFile: null, caFile: null }
          const services = set.services.map((service) => ({
            service,
            database: target(service.name, urls[service.name] ?? ''),
          }))
          for (const { service, database } of services) {
            const totals = await writeLog({ set, prefix, nats, monolith, service })
            await makeService({ set, prefix, monolith, service, database, totals })
          }
          return await use({ set, prefix, nats, services })
        },
      ),
  )
}

export function target(name: string, url: string): PostgresTarget {
  return { title: `the database of ${name}`, variable: `${name.toUpperCase()}_DATABASE_URL`, url }
}

interface LogWriting {
  readonly set: ContractSet
  readonly prefix: string
  readonly nats: NatsTarget
  readonly monolith: PostgresTarget
  readonly service: Service
}

type Publish = (subject: string, payload: Uint8Array) => Promise<void>

async function writeLog(writing: LogWriting): Promise<EntityTotals[]> {
  const { set, prefix, nats, monolith, service } = writing
  return await withNats(nats, 'test', async (connection) => {
    const stream = streamName(prefix, service.name)
    const manager = await connection.jetstreamManager()
    await manager.streams.add({
      name: stream,
      subjects: [serviceSubjects(prefix, service.name)],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.New,
    })
    let number = 0
    const publish: Publish = async (subject, payload) => {
      const named = headers()
      named.set(WRITER_HEADER, 'test')
      named.set(EPOCH_HEADER, String(EPOCH))
      named.set(NUMBER_HEADER, String(++number))
      await connection.jetstream().publish(subject, payload, { headers: named })
    }
    const control = async (message: Control): Promise<void> =>
      await publish(controlSubject(prefix, service.name, message.control), encodeControl(message))
    const base = { v: 1, kind: 'control', epoch: EPOCH } as const
    await control({
      ...base,
      control: 'epoch',
      contractSet: set.name,
      service: service.name,
      systemId: SYSTEM_ID,
      timeline: 1,
      database: 'monolith',
      slot: null,
      startedAt: '2026-01-01T00:00:00.000Z',
    })
    const entities = await withSession(monolith, { purpose: 'test' }, async (client) => {
      const totals: EntityTotals[] = []
      for (const entity of service.entities) {
        const shape = shapeHash(shapeOf(entity))
        const announce = async (attempt: number): Promise<void> =>
          await control({
            ...base,
            control: 'attempt',
            entity: entity.name,
            shape,
            attempt,
            snapshot: '1:1:',
            consistencyPoint: '0/16B3748',
            blocks: 0,
            chunks: 1,
          })
        const subject = snapshotSubject(prefix, service.name, entity.name)
        totals.push(await writeEntity({ client, entity, subject, publish, announce }))
      }
      return totals
    })
    const closed = { snapshot: '1:1:', consistencyPoint: CONSISTENCY_POINT, closedAt: '2026-01-01T00:00:00.000Z' }
    await control({ ...base, control: 'manifest', entities, ...closed })
    return entities
  })
}

interface EntityWriting {
  readonly client: pg.Client
  readonly entity: Entity
  readonly subject: string
  readonly publish: Publish
  readonly announce: (attempt: number) => Promise<void>
}

/** Every page goes out as one of the void attempt, before and after the one that counts, whose pages go out twice. */
async function writeEntity({ client, entity, subject, publish, announce }: EntityWriting): Promise<EntityTotals> {
  const send = async (pages: readonly FinishedPage[], attempt: number): Promise<void> => {
    for (const { payload, page } of pages) {
      if (payload.length <= LIMIT_BYTES) await publish(subject, payload)
      else
        for (const part of splitIntoParts(payload, LIMIT_BYTES, `${entity.name}/${attempt}/${page}`))
          await publish(subject, part)
    }
  }
  const [voided, counted] = [await makePages(client, entity, ATTEMPT - 1), await makePages(client, entity, ATTEMPT)]
  await announce(ATTEMPT - 1)
  await send(voided, ATTEMPT - 1)
  await announce(ATTEMPT)
  for (const pages of [counted, voided, counted]) await send(pages, pages === voided ? ATTEMPT - 1 : ATTEMPT)
  const { rows } = await client.query<{ rows: string; high: string; low: string }>(digestSql(entity))
  // An aggregate without GROUP BY returns one row.
  const digest = digestFromSums(rows[0] as (typeof rows)[number])
  const bytes = counted.reduce((sum, { payload }) => sum + payload.length, 0)
  const totals = { entity: entity.name, attempt: ATTEMPT, rows: digest.rows, pages: counted.length, bytes }
  return { ...totals, digest: digestText(digest) }
}

async function makePages(client: pg.Client, entity: Entity, attempt: number): Promise<FinishedPage[]> {
  const shape = shapeOf(entity)
  const header = { epoch: EPOCH, entity: entity.name, shape: shapeHash(shape), attempt }
  const sizes = { targetBytes: PAGE_BYTES, limitBytes: LIMIT_BYTES }
  const writer = createPageWriter({ columns: shape.columns, header, ...sizes })
  const pages: FinishedPage[] = []
  const keep = (page: FinishedPage | null): void => void (page && pages.push(page))
  const splitter = createRowSplitter((bytes, from, to) => keep(writer.addRow(bytes, from, to)))
  writer.startChunk(0)
  const columns = ['ctid', ...columnList(entity)]
  const copy = `COPY (SELECT ${columns.join(', ')} FROM ONLY ${tableSql(entity)}) TO STDOUT`
  for await (const bytes of client.query(copyTo(copy)) as AsyncIterable<Buffer>) splitter.push(bytes)
  splitter.end()
  keep(writer.finish())
  return pages
}

interface ServiceMaking {
  readonly set: ContractSet
  readonly prefix: string
  readonly monolith: PostgresTarget
  readonly service: Service
  readonly database: PostgresTarget
  readonly totals: readonly EntityTotals[]
}

async function makeService({ set, prefix, monolith, service, database, totals }: ServiceMaking): Promise<void> {
  await withSession(database, { purpose: 'test' }, async (client) => {
    const schemas = new Set(service.entities.map(({ schema }) => schema).filter((schema) => schema !== 'public'))
    for (const schema of schemas) await client.query(ddl.createSchemaSql(schema))
    for (const type of service.types) await client.query(ddl.createTypeSql(type))
    await withSession(monolith, { purpose: 'test' }, async (source) => {
      for (const entity of service.entities) await copyTable(source, client, entity)
    })
    for (const statement of objectsOf(service)) await client.query(statement)
    await writeState(client, { set, prefix, service, totals })
  })
}

async function copyTable(source: pg.Client, client: pg.Client, entity: Entity): Promise<void> {
  const columns = columnList(entity).join(', ')
  await client.query(ddl.createTableSql(entity))
  const rows = source.query(copyTo(`COPY (SELECT ${columns} FROM ONLY ${tableSql(entity)}) TO STDOUT`))
  await pipeline(rows, client.query(copyFrom(`COPY ${tableSql(entity)} (${columns}) FROM STDIN`)))
}

function columnList(entity: Entity): string[] {
  return wireColumns(entity).map(({ name }) => quoteIdentifier(name))
}

function objectsOf(service: Service): string[] {
  return [
    ...service.entities.flatMap((entity) => [
      ddl.createKeySql(entity),
      ...entity.indexes.map((index) => ddl.createIndexSql(entity, index)),
    ]),
    ...service.entities.flatMap((entity) =>
      entity.references.map((reference) => ddl.createReferenceSql(service, entity, reference)),
    ),
  ]
}

async function writeState(
  client: pg.Client,
  { set, prefix, service, totals }: Pick<ServiceMaking, 'set' | 'prefix' | 'service' | 'totals'>,
): Promise<void> {
  for (const statement of STATE_DDL) await client.query(statement)
  await client.query(
    `INSERT INTO scission.checkpoint (state_version, contract_set, service, prefix, system_id, epoch, phase)
     VALUES (1, $1, $2, $3, $4, $5, 'following')`,
    [set.name, service.name, prefix, SYSTEM_ID, EPOCH],
  )
  for (const { entity, attempt } of totals)
    await client.query('INSERT INTO scission.entity (entity, created, epoch, attempt) VALUES ($1, true, $2, $3)', [
      entity,
      EPOCH,
      attempt,
    ])
}
