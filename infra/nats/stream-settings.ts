import { DiscardPolicy, RetentionPolicy, StorageType, StoreCompression, type StreamConfig } from 'nats'
import { serviceSubjects, streamName } from '../../contracts/subjects.ts'

/** What an existing stream is measured by. */
export interface StreamNeeds {
  /** The subjects of the service, and no others. */
  readonly subjects: string
  readonly replicas: number
  /** The largest message that is written, in bytes: the server's `max_payload`. */
  readonly messageBytes: number
}

/** A stream's configuration as a server gives it, with settings that are newer than the client's types. */
export type ExistingStreamConfig = StreamConfig & {
  readonly allow_msg_ttl?: boolean
  readonly allow_msg_counter?: boolean
  readonly persist_mode?: string
}

/**
 * A service's stream, which is the log: it keeps everything, refuses what it cannot keep, and lets nobody delete or
 * purge. Manual: docs.nats.io, "Streams".
 */
export function streamConfiguration(prefix: string, service: string, replicas: number): Partial<StreamConfig> {
  return {
    name: streamName(prefix, service),
    subjects: [serviceSubjects(prefix, service)],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_age: 0,
    max_msgs: UNLIMITED,
    max_bytes: UNLIMITED,
    max_msgs_per_subject: UNLIMITED,
    max_msg_size: UNLIMITED,
    deny_delete: true,
    deny_purge: true,
    allow_rollup_hdrs: false,
    num_replicas: replicas,
    compression: StoreCompression.S2,
    duplicate_window: DUPLICATE_WINDOW_SECONDS * NANOSECONDS_PER_SECOND,
  }
}

const UNLIMITED = -1
const NANOSECONDS_PER_SECOND = 1_000_000_000

/**
 * The broker keeps each message's id in memory for so long. Duplicates are not told by it (see the decision on the
 * fence), so it is short: at thousands of messages a second the usual two minutes would cost hundreds of megabytes.
 */
const DUPLICATE_WINDOW_SECONDS = 1

/**
 * The settings by which an existing stream could lose, change or hide a message of the log, each with what it does; a
 * stream without any is accepted as it is.
 */
export function unsafeSettings(config: ExistingStreamConfig, needs: StreamNeeds): string[] {
  return [
    ...keepingMistakes(config),
    ...removalMistakes(config),
    ...limitMistakes(config, needs),
    ...sourceMistakes(config, needs),
  ]
}

/**
 * Those of them that somebody can have brought about since the stream was made: a server does not take `deny_delete` and
 * `deny_purge` back.
 */
export function changeableMistakes(config: ExistingStreamConfig, needs: StreamNeeds): string[] {
  return [...keepingMistakes(config), ...limitMistakes(config, needs), ...sourceMistakes(config, needs)]
}

/** What of an existing stream is safe and yet worth an operator's attention. */
export function doubtfulSettings(config: ExistingStreamConfig): string[] {
  return present([
    [
      config.max_bytes > 0,
      `max_bytes ${config.max_bytes} (the publisher waits, up to --max-outage, once the log has grown to it)`,
    ],
    [config.compression !== StoreCompression.S2, 'no compression (with S2 the log takes a fraction of the space)'],
  ])
}

function removalMistakes(config: ExistingStreamConfig): string[] {
  return present([
    [!config.deny_delete, 'deny_delete false (lets messages be deleted)'],
    [!config.deny_purge, 'deny_purge false (lets messages be purged)'],
  ])
}

function keepingMistakes(config: ExistingStreamConfig): string[] {
  return present([
    [config.retention !== RetentionPolicy.Limits, `retention ${config.retention} (drops messages that were read)`],
    [config.discard !== DiscardPolicy.New, `discard ${config.discard} (drops acknowledged messages at a limit)`],
    [config.storage !== StorageType.File, `storage ${config.storage} (loses all with the server)`],
    [config.persist_mode === 'async', 'persist_mode async (acknowledges what is not stored yet)'],
    [config.allow_rollup_hdrs, 'allow_rollup_hdrs (lets one message replace all before it)'],
    [config.allow_msg_ttl === true, 'allow_msg_ttl (lets messages expire)'],
    [config.allow_msg_counter === true, 'allow_msg_counter (takes messages for counters)'],
    [config.no_ack === true, 'no_ack (nobody learns whether a message was stored)'],
    [config.sealed, 'sealed (takes no message any more)'],
  ])
}

function limitMistakes(config: ExistingStreamConfig, { replicas, messageBytes }: StreamNeeds): string[] {
  const size = config.max_msg_size
  return present([
    [config.max_age > 0, `max_age ${config.max_age / NANOSECONDS_PER_SECOND} s (drops messages by age)`],
    [config.max_msgs > 0, `max_msgs ${config.max_msgs} (bounds the log by a number of messages)`],
    [config.max_msgs_per_subject > 0, `max_msgs_per_subject ${config.max_msgs_per_subject} (keeps the newest alone)`],
    [size > 0 && size < messageBytes, `max_msg_size ${size} (refuses messages of up to ${messageBytes} bytes)`],
    [config.num_replicas < replicas, `num_replicas ${config.num_replicas} (${replicas} are configured)`],
  ])
}

function sourceMistakes(config: ExistingStreamConfig, { subjects }: StreamNeeds): string[] {
  const own = config.subjects ?? []
  return present([
    [own.length !== 1 || own[0] !== subjects, `subjects ${own.join(', ') || 'none'} (its own are ${subjects})`],
    [config.mirror !== undefined, 'mirror (is written by another stream)'],
    [(config.sources ?? []).length > 0, 'sources (takes messages of other streams)'],
    [config.republish !== undefined, 'republish (sends every row to other subjects)'],
    [config.subject_transform !== undefined, 'subject_transform (changes the subjects of messages)'],
  ])
}

function present(cases: readonly (readonly [boolean, string])[]): string[] {
  return cases.filter(([found]) => found).map(([, text]) => text)
}
