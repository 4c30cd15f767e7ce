import { randomBytes, randomUUID } from 'node:crypto'
import { type Lsn, lsnText } from '../contracts/positions.ts'
import { controlSubject, streamName } from '../contracts/subjects.ts'
import { encodeMessage } from '../contracts/wire/encode-message.ts'
import { type Control, type EpochControl, WIRE_VERSION } from '../contracts/wire/message.ts'
import { shapeHash, shapeOf } from '../contracts/wire/shape.ts'
import { createByteWindow } from '../infra/byte-window.ts'
import { crashPoint } from '../infra/crash-point.ts'
import type { LogState, MonolithIdentity } from './decide-publication.ts'
import { noticeOf } from './events.ts'
import { createLogWriter, type LogWriter, type StreamWriter } from './log-writer.ts'
import type { Run } from './run.ts'

/** An epoch that is open for writing: a writer for each service. */
export interface OpenEpoch {
  readonly epoch: number
  readonly writers: ReadonlyMap<string, StreamWriter>
  /** The streams as they were found, by the services' names. */
  readonly streams: ReadonlyMap<string, OpenStream>
}

/** A stream that the epoch is written into. */
export interface OpenStream {
  readonly name: string
  /** When it was made, as its leader says. */
  readonly created: string
  /** The sequence of the epoch's first message. */
  readonly from: number
}

export interface EpochBeginning {
  readonly run: Run
  readonly logs: readonly LogState[]
  readonly epoch: number
  readonly identity: MonolithIdentity
  readonly slot: string | null
  /** That of the epoch's first snapshot, where no stream knows the epoch yet. */
  readonly consistencyPoint: Lsn
}

/**
 * Bytes on their way to the broker, over all streams: many times what is sent while an acknowledgement travels. Each byte
 * is in memory twice, as a page and in the socket's queue.
 */
const WINDOW_BYTES = 8 * 1024 * 1024

/** Opens the writers, and sees that each stream knows the epoch and the shapes of its entities. */
export async function beginEpoch(beginning: EpochBeginning): Promise<OpenEpoch> {
  const { run, logs, epoch } = beginning
  const { dependencies } = run
  const writers = openWriters(beginning)
  for (const service of dependencies.set.services) {
    const log = logs.find((state) => state.service === service.name)
    const append = appendControl(writers, dependencies.prefix, service.name)
    if (log?.epoch !== epoch || log.begun === null)
      await append(epochControl(beginning, service.name), () => crashPoint('publish-epoch-stored'))
    for (const entity of service.entities) {
      const shape = shapeOf(entity)
      await append({ v: WIRE_VERSION, kind: 'control', epoch, control: 'contract', hash: shapeHash(shape), shape })
    }
  }
  return { epoch, writers, streams: openStreams(beginning) }
}

/** A function that appends control messages to a service's stream; `stored` is called when the broker has stored one. */
export function appendControl(
  writers: ReadonlyMap<string, LogWriter>,
  prefix: string,
  service: string,
): (control: Control, stored?: () => void) => Promise<void> {
  const writer = writers.get(service)
  if (writer === undefined) throw new Error(`No writer for service ${service}`)
  return async (control, stored) => {
    const identity = `${control.epoch}/control/${control.control}/${randomUUID()}`
    await writer.append(controlSubject(prefix, service, control.control), encodeMessage(control), identity, stored)
  }
}

function openStreams({ run, logs, epoch }: EpochBeginning): Map<string, OpenStream> {
  return new Map(
    logs.map(({ service, streamCreated: created, lastSequence, ...log }) => {
      const from = log.epoch === epoch ? log.epochSequence : lastSequence + 1
      return [service, { name: streamName(run.dependencies.prefix, service), created, from }]
    }),
  )
}

function openWriters({ run, logs, epoch }: EpochBeginning): Map<string, StreamWriter> {
  const { connection, dependencies, maxPayloadBytes, options, signal, waitOut } = run
  const window = createByteWindow(WINDOW_BYTES)
  const writerId = randomUUID()
  // One trace for the whole run: version 00, trace and span id, sampled. W3C "Trace Context".
  const traceParent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`
  const { maxOutageMs } = options
  const common = {
    connection,
    writerId,
    traceParent,
    epoch,
    maxPayloadBytes,
    window,
    waitOut,
    maxOutageMs,
    notice: noticeOf(run.report),
    failed: run.fail,
    signal,
  }
  return new Map(
    logs.map(({ service, streamCreated, replicas, lastSequence, ...log }) => [
      service,
      createLogWriter({
        ...common,
        stream: streamName(dependencies.prefix, service),
        streamCreated,
        replicas,
        lastSequence,
        lastNumber: log.epoch === epoch ? log.lastNumber : 0,
      }),
    ]),
  )
}

/** Where the epoch has begun in another stream already, its slot and consistent point are the ones that hold here too. */
function epochControl(
  { run, logs, epoch, identity, slot, consistencyPoint }: EpochBeginning,
  service: string,
): EpochControl {
  const begun = logs.find((log) => log.epoch === epoch && log.begun !== null)?.begun
  const consistentPoint = begun?.consistentPoint ?? lsnText(consistencyPoint)
  return {
    v: WIRE_VERSION,
    kind: 'control',
    epoch,
    control: 'epoch',
    contractSet: run.dependencies.set.name,
    service,
    ...identity,
    slot: slot === null ? null : { name: slot, consistentPoint },
    startedAt: new Date().toISOString(),
  }
}
