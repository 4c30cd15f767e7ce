import { LOOPBACK } from './free-port.ts'

export type NatsConfiguration = {
  readonly folder: string
  readonly user: string
  readonly password: string
  readonly port: number
  readonly monitorPort: number
  readonly maxPayloadBytes?: number
  readonly syncAlways?: boolean
  /** In place of it: how long a write may be in memory alone, such as `1s`. */
  readonly syncInterval?: string
}

/**
 * The configuration file of an embedded server. With `sync_interval: always` an acknowledged message is on disk: by
 * default it may be in memory alone for two minutes, so that a power failure would take what the monolith was told is
 * safe. See docs.nats.io, "JetStream Configuration".
 */
export function natsConfiguration(given: NatsConfiguration): string {
  const { folder, user, password, port, monitorPort, maxPayloadBytes, syncAlways = true, syncInterval } = given
  const sync = syncInterval ?? (syncAlways ? 'always' : null)
  // A string of JSON is a string of this format too.
  const lines = [
    `listen: "${LOOPBACK}:${port}"`,
    `http: "${LOOPBACK}:${monitorPort}"`,
    ...(maxPayloadBytes === undefined ? [] : [`max_payload: ${maxPayloadBytes}`]),
    // The server refuses a payload limit above what it lets wait for one client.
    ...(maxPayloadBytes === undefined
      ? []
      : [`max_pending: ${Math.max(DEFAULT_MAX_PENDING_BYTES, 2 * maxPayloadBytes)}`]),
    `authorization { user: ${JSON.stringify(user)}, password: ${JSON.stringify(password)} }`,
    'jetstream {',
    `  store_dir: ${JSON.stringify(`${folder}/jetstream`)}`,
    ...(sync === null ? [] : [`  sync_interval: ${sync}`]),
    '  max_file_store: 64GB',
    '  max_memory_store: 1GB',
    '}',
  ]
  return `${lines.join('\n')}\n`
}

const DEFAULT_MAX_PENDING_BYTES = 64 * 1024 * 1024
