import type pg from 'pg'
import { addDigests, type Digest, digestText, EMPTY_DIGEST } from '../contracts/digest.ts'
import type { Entity, Service } from '../contracts/language/contract-set.ts'
import { lsnText } from '../contracts/positions.ts'
import { snapshotSubject, streamName } from '../contracts/subjects.ts'
import { createPageWriter, type FinishedPage } from '../contracts/wire/copy-to-page.ts'
import { HEADER_RESERVE_BYTES } from '../contracts/wire/headers.ts'
import { type EntityTotals, WIRE_VERSION } from '../contracts/wire/message.ts'
import { shapeHash, shapeOf } from '../contracts/wire/shape.ts'
import { assertWholeEpoch } from './assert-whole-epoch.ts'
import { appendControl, type OpenEpoch } from './begin-epoch.ts'
import { type Chunk, planChunks, readingOrder, type TableSize } from './chunk-plan.ts'
import type { LogState } from './decide-publication.ts'
import type { PublishedService } from './events.ts'
import { readChunk } from './read-chunk.ts'
import { withReaderSession } from './reader-session.ts'
import { noticeChangedMonolith } from './refuse-unfit-monolith.ts'
import type { Run } from './run.ts'
import type { SnapshotSource } from './snapshot-source.ts'
import { readTableSizes } from './table-sizes.ts'

export interface SnapshotWriting {
  readonly run: Run
  readonly logs: readonly LogState[]
  readonly source: SnapshotSource
  readonly opened: OpenEpoch
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
  const { dependencies } = writing.run
  const readings = await planReadings(writing)
  await announceAttempts(writing, readings)
  await readAll(writing, readings)
  await flushAll(writing)
  await assertWholeLogs(writing)
  await closeManifests(writing, readings)
  await flushAll(writing)
  await noticeChangedMonolith(writing.run)
  return dependencies.set.services.map((service) => ({
    service: service.name,
    entities: totalsOf(service, readings).map(({ entity, rows, pages, bytes }) => ({ entity, rows, pages, bytes })),
  }))
}

async function planReadings({ run, logs }: SnapshotWriting): Promise<Reading[]> {
  const { dependencies, options, report } = run
  const tables = dependencies.set.services.flatMap((service) => service.entities.map((entity) => ({ service, entity })))
  const sizes = await withReaderSession(
    run,
    'plan',
    async (client) =>
      await readTableSizes(
        client,
        tables.map(({ entity }) => entity),
      ),
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

async function announceAttempts({ run, opened, source }: SnapshotWriting, readings: readonly Reading[]): Promise<void> {
  const { prefix } = run.dependencies
  for (const { service, entity, shape, attempt, chunks } of readings)
    await appendControl(
      opened.writers,
      prefix,
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

/** Each reader takes the next chunk until none is left; the first failure ends the run, and so the other readers. */
async function readAll(writing: SnapshotWriting, readings: readonly Reading[]): Promise<void> {
  const { run } = writing
  const tasks = readingOrder(readings).flatMap((reading) => reading.chunks.map((chunk): Task => ({ reading, chunk })))
  const readers = Array.from({ length: Math.min(run.options.readers, tasks.length) }, async (_, index) => {
    try {
      await withReaderSession(run, `reader ${index + 1}`, async (client) => {
        for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) await readTask(writing, client, task)
      })
    } catch (error) {
      run.fail(error)
    }
  })
  await Promise.all(readers)
  run.signal.throwIfAborted()
}

async function readTask(writing: SnapshotWriting, client: pg.Client, { reading, chunk }: Task): Promise<void> {
  const { maxPayloadBytes, options, signal } = writing.run
  const { entity, attempt, shape } = reading
  const limitBytes = maxPayloadBytes - HEADER_RESERVE_BYTES
  const pages = createPageWriter({
    columns: shapeOf(entity).columns,
    header: { epoch: writing.opened.epoch, entity: entity.name, shape, attempt },
    targetBytes: Math.min(options.pageBytes, limitBytes),
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
  const { opened, run } = writing
  const { dependencies, report } = run
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
async function completeReading({ run, opened }: SnapshotWriting, reading: Reading): Promise<void> {
  const { dependencies, report } = run
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
  const { opened, source, run } = writing
  const { dependencies, report } = run
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

/** A manifest must not close what the log does not hold any more. */
async function assertWholeLogs({ run, logs, opened }: SnapshotWriting): Promise<void> {
  for (const { service, epoch, epochSequence, lastSequence } of logs) {
    const from = epoch === opened.epoch ? epochSequence : lastSequence + 1
    const stream = streamName(run.dependencies.prefix, service)
    await run.waitOut(async (manager) => await assertWholeEpoch(manager, stream, from))
  }
}

async function flushAll({ opened }: SnapshotWriting): Promise<void> {
  await Promise.all([...opened.writers.values()].map(async (writer) => await writer.flush()))
}
