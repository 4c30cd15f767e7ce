import { type JetStreamManager, NatsError } from 'nats'
import { Failure } from '../../contracts/failure.ts'
import { serviceSubjects, streamName } from '../../contracts/subjects.ts'
import { apiCode, NO_STREAM } from './api-code.ts'
import { readStream } from './stream-leader.ts'
import { type ExistingStreamConfig, streamConfiguration, unsafeSettings } from './stream-settings.ts'

export interface WantedStream {
  readonly prefix: string
  readonly service: string
  readonly replicas: number
  /** The server's `max_payload`. */
  readonly messageBytes: number
}

/**
 * Makes a service's stream, or accepts the one that is there.
 * @throws Failure 4 that names every unsafe setting of an existing stream, or says why the server makes none.
 */
export async function ensureStream(manager: JetStreamManager, wanted: WantedStream): Promise<'created' | 'present'> {
  const { prefix, service, replicas, messageBytes } = wanted
  const existing = await readStreamConfig(manager, streamName(prefix, service))
  if (existing === null) {
    await createStream(manager, wanted)
    return 'created'
  }
  const subjects = serviceSubjects(prefix, service)
  const unsafe = unsafeSettings(existing, { subjects, replicas, messageBytes })
  if (unsafe.length > 0) throw new Failure(4, `${unsafeSentence(existing.name, unsafe)} ${UNSAFE_CURE}`)
  return 'present'
}

/** The configuration of a stream; null where there is none of that name. */
export async function readStreamConfig(manager: JetStreamManager, name: string): Promise<ExistingStreamConfig | null> {
  try {
    return (await readStream(manager, name)).config
  } catch (error) {
    if (apiCode(error) === NO_STREAM) return null
    throw error
  }
}

export function unsafeSentence(stream: string, unsafe: readonly string[]): string {
  return `Stream ${stream} exists with settings by which the log could lose messages: ${unsafe.join('; ')}.`
}

export const UNSAFE_CURE =
  'Correct them with "nats stream edit", delete the stream if nobody needs it, or set another SCISSION_PREFIX.'

async function createStream(manager: JetStreamManager, wanted: WantedStream): Promise<void> {
  const configuration = streamConfiguration(wanted.prefix, wanted.service, wanted.replicas)
  try {
    await manager.streams.add(configuration)
  } catch (cause) {
    if (!(cause instanceof NatsError) || cause.api_error === undefined) throw cause
    const said = cause.api_error.description
    throw new Failure(4, `NATS makes no stream ${configuration.name}: ${said}; put that right and run it again.`, {
      cause,
    })
  }
}
