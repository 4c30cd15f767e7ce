import type pg from 'pg'
import { addDigests, type Digest, digestText, EMPTY_DIGEST } from '../contracts/digest.ts'
import type { Entity, Service } from '../contracts/language/contract-set.ts'
import { lsnText } from '../contracts/positions.ts'
import { snapshotSubject } from '../contracts/subjects.ts'
import { createPageWriter, type FinishedPage } from '../contracts/wire/copy-to-page.ts'
import { HEADER_RESERVE_BYTES } from '../contracts/wire/headers.ts'
import { type EntityTotals, WIRE_VERSION } from '../contracts/wire/message.ts'
import { shapeHash, shapeOf } from '../contracts/wire/shape.ts'
import { withSession } from '../infra/postgres/session.ts'
import { appendControl, type OpenEpoch } from './begin-epoch.ts'
import { type Chunk, planChunks, readingOrder, type TableSize } from './chunk-plan.ts'
import type { LogState } from './decide-publication.ts'
import type { PublishedService } from './events.ts'
import type { PublishOptions, PublisherDependencies, Report } from './publish-snapshot.ts'
import { readChunk } from './read-chunk.ts'
import type { SnapshotSource } from './snapshot-source.ts'
import { readTableSizes } from './table-sizes.ts'

export interface SnapshotWriting {
  readonly control: pg.Client
  readonly dependencies: PublisherDependencies
  readonly options: PublishOptions
  readonly report: Report
  readonly logs: readonly LogState[]
  readonly source: SnapshotSource
  readonly opened: OpenEpoch
  readonly maxPayloadBytes: number
}

/** One entity's reading under way: what is left of it, and what it has come to. */
interface Reading {
  readonly service: Service
  readonly entity: Entity
  readonly size: TableSize
  readonly shape: string
  readonly attempt: number
  readonly chunks: readonly Chunk[]
  chunksLeft: number
  digest: Digest
  pages: number
  bytes: number
}

interface Task {
  readonly reading: Reading
  readonly chunk: Chunk
}

/**
 * Reads every entity under the snapshot, several chunks at a time, and closes the epoch's snapshot in each stream. The
 * manifests go out when every page and every total of all services is stored, so that a manifest never closes a
 * snapshot that another service does not have.
 */
export async function writeSnapshot(writing: SnapshotWriting): Promise<PublishedService[]> {
  const readings = await planReadings(writing)
  await announceAttempts(writing, readings)
  await readAll(writing, readings)
  await flushAll(writing)
  await closeManifests(writing, readings)
  await flushAll(writing)
  return writing.dependencies.set.services.map((service) => ({
    service: service.name,
    entities: totalsOf(service, readings).map(({ entity, rows, pages, bytes }) => ({ entity, rows, pages, bytes })),
  }))
}

async function planReadings({ control, dependencies, options, logs, report }: SnapshotWriting): Promise<Reading[]> {
  const tables = dependencies.set.services.flatMap((service) => service.entities.map((entity) => ({ service, entity })))
  const sizes = await readTableSizes(
    control,
    tables.map(({ entity }) => entity),
  )
  const readings = tables.map(({ service, entity }): Reading => {
    const size = sizes.get(entity) ?? { blocks: 0, bytes: 0, estimatedRows: 0 }
    const chunks = planChunks(size, options.readers)
    const attempts = logs.find((log) => log.service === service.name)?.attempts
    const attempt = (attempts?.get(entity.name) ?? 0) + 1
    const shape = shapeHash(shapeOf(entity))
    return {
      service,
      entity,
      size,
      shape,
      attempt,
      chunks,
      chunksLeft: chunks.length,
      digest: EMPTY_DIGEST,
      pages: 0,
      bytes: 0,
    }
  })
  const entities = readings.map(({ service, entity, size, chunks }) => ({
    service: service.name,
    entity: entity.name,
    estimatedRows: size.estimatedRows,
    tableBytes: size.bytes,
    chunks: chunks.length,
  }))
  report({ type: 'snapshot-planned', entities })
  return readings
}

async function announceAttempts(
  { dependencies, opened, source }: SnapshotWriting,
  readings: readonly Reading[],
): Promise<void> {
  for (const { service, entity, shape, attempt, chunks } of readings)
    await appendControl(
      opened.writers,
      dependencies.prefix,
      service.name,
    )({
      v: WIRE_VERSION,
      kind: 'control',
      epoch: opened.epoch,
      control: 'attempt',
      entity: entity.name,
      shape,
      attempt,
      snapshot: source.visible,
      chunks: chunks.length,
    })
}

/** Each reader takes the next chunk until none is left; the first failure stops the others at their next rows. */
async function readAll(writing: SnapshotWriting, readings: readonly Reading[]): Promise<void> {
  const tasks = readingOrder(readings).flatMap((reading) => reading.chunks.map((chunk): Task => ({ reading, chunk })))
  const failed = new AbortController()
  const signal = AbortSignal.any([writing.options.signal, failed.signal])
  const readers = Array.from({ length: Math.min(writing.options.readers, tasks.length) }, async (_, index) => {
    try {
      await readTasks(writing, tasks, index + 1, signal)
    } catch (error) {
      failed.abort(error)
      throw error
    }
  })
  const results = await Promise.allSettled(readers)
  writing.options.signal.throwIfAborted()
  if (failed.signal.aborted) throw failed.signal.reason
  const rejected = results.find((result) => result.status === 'rejected')
  if (rejected) throw rejected.reason
}

async function readTasks(writing: SnapshotWriting, tasks: Task[], reader: number, signal: AbortSignal): Promise<void> {
  const { monolith } = writing.dependencies
  await withSession(monolith, { purpose: `publish reader ${reader}` }, async (client) => {
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
      signal.throwIfAborted()
      await readTask(writing, client, task, signal)
    }
  })
}

async function readTask(
  writing: SnapshotWriting,
  client: pg.Client,
  { reading, chunk }: Task,
  signal: AbortSignal,
): Promise<void> {
  const { entity, attempt, shape } = reading
  const limitBytes = writing.maxPayloadBytes - HEADER_RESERVE_BYTES
  const pages = createPageWriter({
    columns: shapeOf(entity).columns,
    header: { epoch: writing.opened.epoch, entity: entity.name, shape, attempt },
    targetBytes: Math.min(writing.options.pageBytes, limitBytes),
    limitBytes,
  })
  const publish = async (page: FinishedPage): Promise<void> => await publishPage(writing, { reading, chunk }, page)
  const snapshot = writing.source.name
  const totals = await readChunk(client, { entity, chunk, snapshot, pages, publish, signal })
  reading.digest = addDigests(reading.digest, totals.digest)
  reading.pages += totals.pages
  reading.bytes += totals.bytes
  reading.chunksLeft -= 1
  if (reading.chunksLeft === 0) await completeReading(writing, reading)
}

async function publishPage(writing: SnapshotWriting, { reading, chunk }: Task, page: FinishedPage): Promise<void> {
  const { dependencies, opened, report } = writing
  const [service, entity] = [reading.service.name, reading.entity.name]
  const identity = [opened.epoch, entity, reading.attempt, chunk.number, page.page].join('/')
  const { rows } = page
  const bytes = page.payload.length
  const stored = (): void => report({ type: 'page-stored', service, entity, rows, bytes })
  await opened.writers
    .get(service)
    ?.append(snapshotSubject(dependencies.prefix, service, entity), page.payload, identity, stored)
}

/** The stream keeps its order: whoever reads the totals has read every page before. */
async function completeReading({ dependencies, opened, report }: SnapshotWriting, reading: Reading): Promise<void> {
  const service = reading.service.name
  const totals = entityTotals(reading)
  const { entity, rows, bytes } = totals
  await appendControl(
    opened.writers,
    dependencies.prefix,
    service,
  )({
    v: WIRE_VERSION,
    kind: 'control',
    epoch: opened.epoch,
    control: 'complete',
    ...totals,
  })
  report({ type: 'entity-completed', service, entity, rows, bytes })
}

async function closeManifests(writing: SnapshotWriting, readings: readonly Reading[]): Promise<void> {
  const { dependencies, opened, source, report } = writing
  const closedAt = new Date().toISOString()
  for (const service of dependencies.set.services) {
    await appendControl(
      opened.writers,
      dependencies.prefix,
      service.name,
    )({
      v: WIRE_VERSION,
      kind: 'control',
      epoch: opened.epoch,
      control: 'manifest',
      entities: totalsOf(service, readings),
      consistencyPoint: lsnText(source.consistencyPoint),
      snapshot: source.visible,
      closedAt,
    })
    report({ type: 'manifest-closed', service: service.name })
  }
}

function totalsOf(service: Service, readings: readonly Reading[]): EntityTotals[] {
  return readings.filter((reading) => reading.service === service).map(entityTotals)
}

function entityTotals({ entity, attempt, digest, pages, bytes }: Reading): EntityTotals {
  return { entity: entity.name, attempt, rows: digest.rows, pages, bytes, digest: digestText(digest) }
}

async function flushAll({ opened }: SnapshotWriting): Promise<void> {
  await Promise.all([...opened.writers.values()].map(async (writer) => await writer.flush()))
}
