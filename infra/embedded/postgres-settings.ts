/** Settings of postgresql.conf, by name. */
export type PostgresSettings = Readonly<Record<string, string>>

/**
 * What an embedded server runs with. The log position, slots and senders are for following the monolith; the many
 * connections for ten services, their loaders and the tests at once.
 */
const defaults: PostgresSettings = {
  listen_addresses: '127.0.0.1',
  // A path of a socket longer than 107 bytes fails, and a project may lie deep.
  unix_socket_directories: '',
  wal_level: 'logical',
  max_connections: '200',
  max_wal_senders: '20',
  max_replication_slots: '20',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  jit: 'off',
}

/** The lines of postgresql.conf; what is given overrides our defaults. */
export function settingsFile(given: PostgresSettings, fsync: boolean): string {
  const settings = { ...defaults, fsync: fsync ? 'on' : 'off', ...given }
  return Object.entries(settings)
    .map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`)
    .join('')
}
