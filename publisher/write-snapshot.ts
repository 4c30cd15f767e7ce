import type pg from 'pg'
import { digestText } from '../contracts/digest.ts'
import { lsnText } from '../contracts/positions.ts'
import { snapshotSubject } from '../contracts/subjects.ts'
import { createPageWriter, type FinishedPage } from '../contracts/wire/copy-to-page.ts'
import { HEADER_RESERVE_BYTES } from '../contracts/wire/headers.ts'
import { type EntityTotals, WIRE_VERSION } from '../contracts/wire/message.ts'
import { PageMemory } from '../contracts/wire/page-memory.ts'
import { shapeOf } from '../contracts/wire/shape.ts'
import { crashPoint } from '../infra/crash-point.ts'
import { TableRewritten } from './assert-same-table.ts'
import { appendControl, type OpenEpoch } from './begin-epoch.ts'
import { readingOrder } from './chunk-plan.ts'
import type { ChunkTask, Reading } from './plan-readings.ts'
import { readChunk } from './read-chunk.ts'
import { withReaderSession } from './reader-session.ts'
import type { Run } from './run.ts'
import { addTotals, type ReadTotals } from './stored-readings.ts'

export interface SnapshotWriting {
  readonly run: Run
  readonly opened: OpenEpoch
  readonly readings: readonly Reading[]
  /** The exported snapshot's name; empty where nothing is left to be read. */
  readonly snapshot: string
}

interface Work extends SnapshotWriting {
  readonly memory: PageMemory
}

interface Task extends ChunkTask {
  readonly reading: Reading
}

/**
 * Reads what is left to be read under the snapshot, several chunks at a time, until every page and every total of all
 * services is stored.
 * @throws TableRewritten where a table's rows cannot be seen any more. What can be read besides is read to its end first,
 * since its snapshot is gone afterwards; but not without a slot, where all must be of one snapshot.
 */
export async function writeSnapshot(writing: SnapshotWriting): Promise<void> {
  for (const reading of writing.readings)
    if (!reading.isFinished && reading.chunksLeft === 0) await completeReading(writing, reading)
  const rewritten = await readAll(writing)
  await flushAll(writing)
  if (rewritten !== null) throw rewritten
  crashPoint('publish-snapshot-read')
}

/**
 * Tells each stream of the attempts that it does not know. What is published after it is applied to their tables, so no
 * change may overtake it.
 */
export async function announceAttempts({ run, opened, readings }: Omit<SnapshotWriting, 'snapshot'>): Promise<void> {
  for (const { service, entity, shape, attempt, snapshot, consistencyPoint, cut, isAnnounced } of readings) {
    if (isAnnounced) continue
    const append = appendControl(opened.writers, run.dependencies.prefix, service.name)
    const of = { entity: entity.name, shape, attempt, snapshot, consistencyPoint: lsnText(consistencyPoint), ...cut }
    await append({ v: WIRE_VERSION, kind: 'control', epoch: opened.epoch, control: 'attempt', ...of }, () =>
      crashPoint('publish-attempt-stored'),
    )
  }
}

/**
 * Each reader takes the next chunk until none is left; the first failure ends the run, and so the other readers.
 * @returns why a table must be read again; null where none must.
 */
async function readAll(snapshotWriting: SnapshotWriting): Promise<TableRewritten | null> {
  const { run, readings } = snapshotWriting
  const writing = { ...snapshotWriting, memory: new PageMemory(pageBytes(run).targetBytes) }
  const tasks = readingOrder(readings).flatMap((reading) => reading.tasks.map((task): Task => ({ ...task, reading })))
  const rewritten = new Map<Reading, TableRewritten>()
  const readers = Array.from({ length: Math.min(run.options.readers, tasks.length) }, async (_, index) => {
    try {
      await withReaderSession(run, `reader ${index + 1}`, async (client) => {
        for (let task = tasks.shift(); task !== undefined; task = tasks.shift())
          if (!rewritten.has(task.reading)) await readUnlessRewritten(writing, client, task, rewritten)
      })
    } catch (error) {
      run.fail(error)
    }
  })
  await Promise.all(readers)
  run.signal.throwIfAborted()
  return [...rewritten.values()][0] ?? null
}

/** A page of several rows passes no message's limit. */
function pageBytes({ maxPayloadBytes, options }: Run): { readonly targetBytes: number; readonly limitBytes: number } {
  const limitBytes = maxPayloadBytes - HEADER_RESERVE_BYTES
  return { targetBytes: Math.min(options.pageBytes, limitBytes), limitBytes }
}

async function readUnlessRewritten(
  writing: Work,
  client: pg.Client,
  task: Task,
  rewritten: Map<Reading, TableRewritten>,
): Promise<void> {
  try {
    await readTask(writing, client, task)
  } catch (error) {
    if (!(error instanceof TableRewritten) || !writing.run.options.withSlot) throw error
    rewritten.set(task.reading, error)
    await client.query('ROLLBACK')
  }
}

async function readTask(writing: Work, client: pg.Client, task: Task): Promise<void> {
  const { run, opened, snapshot, memory } = writing
  const { reading, chunk, stored } = task
  const { entity, attempt, shape } = reading
  const pages = createPageWriter({
    columns: shapeOf(entity).columns,
    header: { epoch: opened.epoch, entity: entity.name, shape, attempt },
    ...pageBytes(run),
    memory,
  })
  const publish = async (page: FinishedPage): Promise<void> => await publishPage(writing, task, page)
  const totals = await readChunk(client, {
    entity,
    chunk,
    stored,
    snapshot,
    pages,
    publish,
    pace: run.options.pace ?? null,
    signal: run.signal,
  })
  crashPoint('publish-chunk-read')
  if (reading.cut.chunks > 1) await closeChunk(writing, task, totals)
  reading.totals = addTotals(reading.totals, totals)
  reading.chunksLeft -= 1
  if (reading.chunksLeft === 0) await completeReading(writing, reading)
}

async function publishPage(writing: Work, { reading, chunk }: Task, page: FinishedPage): Promise<void> {
  const { opened, run, memory } = writing
  const { dependencies, report } = run
  const [service, entity] = [reading.service.name, reading.entity.name]
  const identity = [opened.epoch, entity, reading.attempt, chunk.number, page.page].join('/')
  const { rows } = page
  const bytes = page.payload.length
  const stored = (): void => {
    // The client sends in order and copies what it sends: nothing of a stored message is left with it, also of one that
    // was sent again, since what told that it is stored was sent behind it.
    memory.giveBack(page.payload)
    report({ type: 'page-stored', service, entity, rows, bytes })
    crashPoint('publish-page-stored')
  }
  await opened.writers
    .get(service)
    ?.append(snapshotSubject(dependencies.prefix, service, entity), page.payload, identity, stored)
}

/** A publisher that goes on need not read this chunk again. The stream keeps its order, so that its pages are before it. */
async function closeChunk(
  { run, opened }: SnapshotWriting,
  { reading, chunk }: Task,
  totals: ReadTotals,
): Promise<void> {
  const append = appendControl(opened.writers, run.dependencies.prefix, reading.service.name)
  const { digest, pages, bytes } = totals
  const of = { entity: reading.entity.name, attempt: reading.attempt, chunk: chunk.number }
  const sums = { rows: digest.rows, pages, bytes, digest: digestText(digest) }
  await append({ v: WIRE_VERSION, kind: 'control', epoch: opened.epoch, control: 'chunk', ...of, ...sums }, () =>
    crashPoint('publish-chunk-stored'),
  )
}

/** The stream keeps its order: whoever reads the totals has read every page before. */
async function completeReading({ run, opened }: SnapshotWriting, reading: Reading): Promise<void> {
  crashPoint('publish-entity-read')
  const { dependencies, report } = run
  const service = reading.service.name
  const totals = entityTotals(reading)
  const { entity, rows, bytes } = totals
  const append = appendControl(opened.writers, dependencies.prefix, service)
  await append({ v: WIRE_VERSION, kind: 'control', epoch: opened.epoch, control: 'complete', ...totals }, () =>
    crashPoint('publish-entity-stored'),
  )
  reading.isFinished = true
  report({ type: 'entity-completed', service, entity, rows, bytes })
}

export function entityTotals({ entity, attempt, totals: { digest, pages, bytes } }: Reading): EntityTotals {
  return { entity: entity.name, attempt, rows: digest.rows, pages, bytes, digest: digestText(digest) }
}

export async function flushAll({ opened }: Pick<SnapshotWriting, 'opened'>): Promise<void> {
  await Promise.all([...opened.writers.values()].map(async (writer) => await writer.flush()))
}
