import type pg from 'pg'
import type { Entity, Service } from '../contracts/language/contract-set.ts'
import { digestFromText } from '../contracts/digest.ts'
import { type Lsn, parseLsn } from '../contracts/positions.ts'
import { shapeHash, shapeOf } from '../contracts/wire/shape.ts'
import { type Chunk, cutTable, planChunks, type TableCut, type TableSize } from './chunk-plan.ts'
import type { DecidedReading } from './decide-readings.ts'
import type { PlannedEntity } from './events.ts'
import type { LogReading } from './read-log-state.ts'
import { NO_PAGES, readStoredPages, type StoredPages } from './read-stored-pages.ts'
import { withReaderSession } from './reader-session.ts'
import type { Run } from './run.ts'
import type { SnapshotSource } from './snapshot-source.ts'
import { addTotals, NOTHING_READ, type ReadTotals, type StoredReading } from './stored-readings.ts'
import { readTableSizes } from './table-sizes.ts'

/** One entity's reading: what is left of it, and what it has come to. */
export interface Reading {
  readonly service: Service
  readonly entity: Entity
  readonly size: TableSize
  readonly shape: string
  readonly attempt: number
  readonly snapshot: string
  readonly consistencyPoint: Lsn
  readonly cut: TableCut
  /** Whether the log knows of the attempt. */
  readonly isAnnounced: boolean
  readonly tasks: readonly ChunkTask[]
  chunksLeft: number
  totals: ReadTotals
  isFinished: boolean
}

/** A chunk that is to be read, and what is stored of it. */
export interface ChunkTask {
  readonly chunk: Chunk
  readonly stored: StoredPages
}

export interface ReadingPlan {
  readonly run: Run
  readonly epoch: number
  readonly decided: readonly DecidedReading[]
  /** Null where nothing is left to be read. */
  readonly source: SnapshotSource | null
}

const NO_SIZE: TableSize = { blocks: 0, bytes: 0, estimatedRows: 0 }

/** Plans what is left to be read of each entity. */
export async function planReadings(plan: ReadingPlan): Promise<Reading[]> {
  const { run, decided } = plan
  const sizes = await readSizes(run, decided)
  const readings: Reading[] = []
  for (const reading of decided) readings.push(await planReading(plan, reading, sizes.get(reading.entity) ?? NO_SIZE))
  return readings
}

export function reportPlan(run: Run, readings: readonly Reading[]): void {
  run.report({ type: 'snapshot-planned', entities: readings.map(plannedEntity) })
  for (const reading of readings) reportStored(run, reading)
}

/** What is kept is not looked at: nothing of its table matters any more. */
async function readSizes(run: Run, decided: readonly DecidedReading[]): Promise<Map<Entity, TableSize>> {
  const wanted = decided.filter(({ decision }) => decision.kind !== 'keep').map(({ entity }) => entity)
  if (wanted.length === 0) return new Map()
  return await withReaderSession(run, 'plan', async (client: pg.Client) => await readTableSizes(client, wanted))
}

async function planReading(
  { run, epoch, source }: ReadingPlan,
  { service, entity, decision }: DecidedReading,
  size: TableSize,
): Promise<Reading> {
  const shape = shapeHash(shapeOf(entity))
  const of = { service, entity, size, shape }
  if (decision.kind === 'read') {
    if (source === null) throw new Error(`There is no snapshot to read ${entity.name} under`)
    const { consistencyPoint, visible: snapshot } = source
    const chunks = planChunks(size, run.options.readers, run.options.chunkBytes)
    const cut = { blocks: size.blocks, chunks: chunks.length }
    const attempt = { attempt: decision.attempt, snapshot, consistencyPoint, cut, isAnnounced: false }
    const tasks = chunks.map((chunk) => ({ chunk, stored: NO_PAGES }))
    return { ...of, ...attempt, tasks, chunksLeft: tasks.length, totals: NOTHING_READ, isFinished: false }
  }
  const { attempt, cut, snapshot, ...stored } = decision.stored
  const announced = { attempt, cut, snapshot, consistencyPoint: parseLsn(stored.consistencyPoint), isAnnounced: true }
  if (decision.kind === 'keep') {
    const { bytes, pages } = decision.totals
    const totals = { digest: digestFromText(decision.totals), pages, bytes }
    return { ...of, ...announced, tasks: [], chunksLeft: 0, totals, isFinished: true }
  }
  const place = { service: service.name, entity: entity.name, epoch }
  const tasks = await openTasks(logReadingOf(run), place, decision.stored)
  const totals = [...stored.closed.values()].reduce(addTotals, NOTHING_READ)
  return { ...of, ...announced, tasks, chunksLeft: tasks.length, totals, isFinished: false }
}

async function openTasks(
  reading: LogReading,
  place: Parameters<typeof readStoredPages>[1],
  stored: StoredReading,
): Promise<ChunkTask[]> {
  const open = cutTable(stored.cut).filter(({ number }) => !stored.closed.has(number))
  if (open.length === 0) return []
  const pages = await readStoredPages(reading, place, stored)
  return open.map((chunk) => ({ chunk, stored: pages.get(chunk.number) ?? NO_PAGES }))
}

export function logReadingOf({ connection, dependencies, options, signal, waitOut }: Run): LogReading {
  return { connection, waitOut, prefix: dependencies.prefix, maxOutageMs: options.maxOutageMs, signal }
}

function plannedEntity({ service, entity, size, totals, isFinished, cut }: Reading): PlannedEntity {
  return {
    service: service.name,
    entity: entity.name,
    estimatedRows: isFinished ? totals.digest.rows : size.estimatedRows,
    tableBytes: size.bytes,
    chunks: cut.chunks,
  }
}

function reportStored(
  { report }: Run,
  { service, entity, attempt, isAnnounced, isFinished, tasks, totals }: Reading,
): void {
  if (!isAnnounced && attempt === 1) return
  const pages = tasks.reduce((sum, { stored }) => sum + stored.pages, totals.pages)
  const rows = tasks.reduce((sum, { stored }) => sum + stored.rows, totals.digest.rows)
  const bytes = tasks.reduce((sum, { stored }) => sum + stored.bytes, totals.bytes)
  const of = { service: service.name, entity: entity.name, attempt }
  report({ type: 'entity-resumed', ...of, isFinished, openChunks: tasks.length, pages, rows, bytes })
}
