/** What begins each name that is Scission's own, so that a mistyped one can be told from another program's. */
export const OWN_NAMES_BEGIN = 'SCISSION_'

/** Names that say where things are for this process; they are read before, or beside, the file. */
export const PROCESS_NAMES = [
  'SCISSION_CONFIG',
  'SCISSION_POSTGRES_BIN',
  'SCISSION_NATS_SERVER',
  'SCISSION_CRASH_POINT',
] as const

/** What a run of the tests hands on to the processes that it starts; they may be commands too. */
export const TEST_NAMES_BEGIN = 'SCISSION_TEST_'

const SHARED_NAMES = [
  'MONOLITH_DATABASE_URL',
  'NATS_URL',
  'NATS_CREDENTIALS_FILE',
  'NATS_CA_FILE',
  'NATS_MONITOR_URL',
  'NATS_SYNC_INTERVAL',
  'SCISSION_CONTRACTS',
  'SCISSION_PREFIX',
  'SCISSION_REPLICAS',
  'SCISSION_READERS',
  'SCISSION_MAX_RATE',
  'SCISSION_LOADERS',
  'SCISSION_TOKEN',
  'SCISSION_LOG',
] as const

/** The name of a service's database URL, for example `IAM_DATABASE_URL`. */
export function databaseName(service: string): string {
  return `${service.toUpperCase()}_DATABASE_URL`
}

/** Every name that the environment and the file may give, for a contract set with these services. */
export function settingNames(services: readonly string[]): string[] {
  const [monolith, ...others] = SHARED_NAMES
  return [monolith, ...services.map(databaseName), ...others]
}
