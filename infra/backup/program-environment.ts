import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { rootCertificates } from 'node:tls'
import type { Client } from 'pg'
import { FOLDER, type GuardedRun } from './guarded-program.ts'

/** Where a session leads, as the driver understood its URL, files of passwords and defaults included. */
export type SessionPlace = Pick<Client, 'host' | 'port' | 'user' | 'database' | 'password'>

/** A dead link ends a dump within a minute; the system's own probes would begin after two hours. */
export const KEEPALIVES = 'keepalives_idle=10 keepalives_interval=10 keepalives_count=4 connect_timeout=10'

const ROOTS_FILE = 'roots.pem'

/**
 * How PostgreSQL's programs reach the place that a session of ours has reached, as the variables of libpq's: on the
 * command line a password would show in the list of processes. Manual: "Environment Variables" of libpq.
 */
export async function programEnvironment(
  place: SessionPlace,
  url: string,
): Promise<Pick<GuardedRun, 'environment' | 'files'>> {
  const tls = tlsVariables(new URL(url).searchParams, process.env['PGSSLMODE'])
  const ownRoots = Object.values(tls).some((value) => value.includes(FOLDER))
  return {
    environment: { ...placeVariables(place), ...optionsVariable(url), ...tls },
    files: ownRoots ? { [ROOTS_FILE]: await trustedRoots() } : {},
  }
}

function placeVariables({ host, port, user, database, password }: SessionPlace): Record<string, string> {
  return {
    // Messages are read, and the server's are not ours to choose.
    LC_ALL: 'C',
    TZ: 'UTC',
    PGAPPNAME: `scission backup (${hostname()} ${process.pid})`.slice(0, 63),
    PGHOST: host,
    PGPORT: String(port),
    ...(user ? { PGUSER: user } : {}),
    ...(database ? { PGDATABASE: database } : {}),
    ...(password ? { PGPASSWORD: password } : {}),
  }
}

/** What the operator sets by the URL, a role for example, holds for the programs too. */
function optionsVariable(url: string): Record<string, string> {
  const options = new URL(url).searchParams.getAll('options')
  return options.length === 0 ? {} : { PGOPTIONS: options.join(' ') }
}

/**
 * TLS as the driver has it, which checks a certificate whenever it asks for one, against the same authorities; libpq by
 * itself would take `require` for encryption without any check, and knows no authorities.
 * @param here where the driver finds files that the URL names without their folder: the programs run in another one.
 */
export function tlsVariables(
  parameters: URLSearchParams,
  modeOfEnvironment?: string,
  here = process.cwd(),
): Record<string, string> {
  const mode = tlsMode(parameters, modeOfEnvironment)
  if (mode === null) return {}
  const fileOf = (parameter: string): string | null => {
    const path = parameters.get(parameter)
    return path ? resolve(here, path) : null
  }
  const files = { PGSSLCERT: fileOf('sslcert'), PGSSLKEY: fileOf('sslkey') }
  const given = Object.entries(files).flatMap(([name, path]) => (path === null ? [] : [[name, path]]))
  const authority = fileOf('sslrootcert') ?? (mode.startsWith('verify') ? `${FOLDER}/${ROOTS_FILE}` : null)
  return {
    PGSSLMODE: mode,
    ...Object.fromEntries(given),
    ...(authority === null || mode === 'disable' ? {} : { PGSSLROOTCERT: authority }),
  }
}

function tlsMode(parameters: URLSearchParams, modeOfEnvironment?: string): string | null {
  const asked = parameters.get('ssl')
  const mode = parameters.get('sslmode') ?? switchMode(asked) ?? modeOfEnvironment ?? null
  if (mode === null && (parameters.has('sslrootcert') || parameters.has('sslcert'))) return 'verify-full'
  if (mode === null || mode === 'disable' || parameters.get('uselibpqcompat') === 'true') return mode
  return mode === 'no-verify' ? 'require' : 'verify-full'
}

function switchMode(asked: string | null): string | null {
  if (asked === null) return null
  return asked === '0' || asked === 'false' ? 'disable' : 'verify-full'
}

/** The authorities that this process trusts. */
async function trustedRoots(): Promise<string> {
  const extra = process.env['NODE_EXTRA_CA_CERTS']
  const added = extra ? await readFile(extra, 'utf8').catch(() => '') : ''
  return [...rootCertificates, added].join('\n')
}
