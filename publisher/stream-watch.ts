import { setTimeout as delay } from 'node:timers/promises'
import { type JetStreamManager, StorageType } from 'nats'
import { Failure } from '../contracts/failure.ts'
import { serviceSubjects, streamName } from '../contracts/subjects.ts'
import { readStreamConfig } from '../infra/nats/ensure-stream.ts'
import { untilAborted } from '../infra/nats/outage.ts'
import { assertSure } from '../infra/nats/stream-leader.ts'
import { changeableMistakes, type ExistingStreamConfig } from '../infra/nats/stream-settings.ts'
import { firstMissing, missingFailure } from './assert-whole-epoch.ts'
import type { OpenEpoch } from './begin-epoch.ts'
import type { Run } from './run.ts'
import { judgeKept, type KnownStream, LogWentBack, readWrittenStream } from './stream-tail.ts'

/** What an operator does to a stream by mistake is told while he still remembers it. */
const LOOK_MS = 2_000

/** What is known of all streams together. */
export interface StreamWatch {
  /**
   * Since when all streams are known to hold what was acknowledged before, in milliseconds of our clock; 0 before that was
   * looked at. A broker that lost its power and came back tells nobody what it lost.
   */
  readonly wholeAt: () => number
}

/**
 * Looks after the streams while they are written to, also where nothing is to be written for hours: what is done to them
 * by others shows in no acknowledgement. What it finds ends the run.
 */
export async function withStreamWatch<Result>(
  run: Run,
  opened: OpenEpoch,
  action: (watch: StreamWatch) => Promise<Result>,
): Promise<Result> {
  const done = new AbortController()
  const signal = AbortSignal.any([run.signal, done.signal])
  const state = { wholeAt: 0 }
  const watching = watchStreams(run, opened, signal, (at) => (state.wholeAt = at)).catch((error: unknown) => {
    if (!signal.aborted) run.fail(error)
  })
  try {
    return await action({ wholeAt: () => state.wholeAt })
  } finally {
    done.abort()
    await watching
  }
}

async function watchStreams(
  run: Run,
  opened: OpenEpoch,
  signal: AbortSignal,
  seen: (at: number) => void,
): Promise<void> {
  for (;;) {
    const at = Date.now()
    for (const service of opened.streams.keys()) await untilAborted(signal, lookAt(run, opened, service))
    seen(at)
    await delay(LOOK_MS, undefined, { signal })
  }
}

/** @throws Failure 4, LogWentBack among them, for whatever was done to the stream. */
async function lookAt(run: Run, { streams, writers }: OpenEpoch, service: string): Promise<void> {
  const [stream, writer] = [streams.get(service), writers.get(service)]
  if (stream === undefined || writer === undefined) throw new Error(`No stream of service ${service} is open`)
  const { name, created, from } = stream
  // What is acknowledged meanwhile may be in the answer or not.
  const view = { stream: name, streamCreated: created, acknowledged: writer.acknowledged }
  const found = await run.waitOut(async (manager, isSure) => await look(manager, view, { from, isSure }))
  if (found.lost !== null) throw found.lost
  // Before what it brought about.
  assertSafe(run, service, found.config)
  if (found.missing !== null) throw found.missing
}

interface Look {
  readonly config: ExistingStreamConfig
  /** That it is another stream, or does not reach as far as it said. */
  readonly lost: Failure | null
  /** What it has lost of the epoch that begins with the message `from`. */
  readonly missing: Failure | null
}

async function look(
  manager: JetStreamManager,
  view: KnownStream,
  { from, isSure }: { readonly from: number; readonly isSure: boolean },
): Promise<Look> {
  const info = await readWrittenStream(manager, view.stream)
  const { config, created, state } = info
  const isWhole = state.first_seq <= from && (state.num_deleted ?? 0) === 0
  const missing = isWhole ? null : await firstMissing(manager, view.stream, from)
  const lost = judgeKept(view, { created, lastSequence: state.last_seq })
  if (lost instanceof LogWentBack || (lost === null && missing !== null)) assertSure(info, isSure)
  return { config, lost, missing: missing === null ? null : missingFailure(view.stream, missing) }
}

/**
 * Sees that no stream has settings by which it could lose messages since `prepare` looked at them.
 * @throws Failure 4 with each of them, or for a stream that is not there.
 */
export async function refuseUnsafeStreams(run: Run): Promise<void> {
  for (const { name: service } of run.dependencies.set.services) {
    const stream = streamName(run.dependencies.prefix, service)
    const config = await run.waitOut(async (manager) => await readStreamConfig(manager, stream))
    if (config === null) throw new Failure(4, `There is no stream ${stream}: run prepare first.`)
    assertSafe(run, service, config)
  }
}

function assertSafe({ dependencies, maxPayloadBytes }: Run, service: string, config: ExistingStreamConfig): void {
  const subjects = serviceSubjects(dependencies.prefix, service)
  const mistakes = changeableMistakes(config, { subjects, replicas: 1, messageBytes: maxPayloadBytes })
  if (mistakes.length === 0) return
  const { name, mirror, sealed, storage } = config
  const isForGood = sealed || storage !== StorageType.File || mirror !== undefined
  const cure = isForGood
    ? `no server takes that back: delete it with "nats stream rm ${name}", run prepare, then begin anew with publish --new-epoch`
    : `correct them with "nats stream edit ${name}", then run publish again, which says whether any is lost`
  throw new Failure(
    4,
    `Stream ${name} has settings by which the log could lose messages: ${mistakes.join('; ')}; ${cure}.`,
  )
}
