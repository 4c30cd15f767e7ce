import { natsUrls } from '../nats/server-urls.ts'

/** The form that a PostgreSQL URL must have, for sentences. */
export const POSTGRES_FORM = 'postgres://user:password@host:5432/database'
export const NATS_FORM = 'nats://user:password@host:4222'

const PASSWORD_MISTAKE =
  'has an unencoded character in its password: write / as %2F, @ as %40, ? as %3F, # as %23, % as %25'

/**
 * What is wrong with a PostgreSQL URL, as the end of a sentence that begins with its name; null where nothing is. The
 * URL itself is never quoted. Manual: "Connection URIs".
 */
export function postgresUrlMistake(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol))
    return `is not a PostgreSQL URL: give it as ${POSTGRES_FORM}, with the password percent-encoded`
  // An unencoded / @ ? or # in a password ends the host or the path early, and a part of it would pass for a name.
  if (/[/@]/.test(url.pathname.slice(1)) || url.search.includes('@') || url.hash !== '' || hasStrayPercent(text))
    return PASSWORD_MISTAKE
  if (url.pathname.length < 2) return `names no database: end it with /database, as in ${POSTGRES_FORM}`
  return null
}

/** What is wrong with the URL of a NATS server, or those of a cluster, in the same form. */
export function natsUrlMistake(text: string): string | null {
  const texts = natsUrls(text)
  const form = text.includes(',') ? `${NATS_FORM} (several servers with commas between)` : NATS_FORM
  const urls: URL[] = []
  for (const one of texts) {
    const url = URL.canParse(one) ? new URL(one) : null
    if (url === null || !/^(nats|tls):$/.test(url.protocol) || !/^[^,]+$/.test(url.hostname))
      return `is not a NATS URL: give it as ${form}, with the password percent-encoded`
    if (url.pathname.length > 1 || url.search !== '' || url.hash !== '' || hasStrayPercent(one)) return PASSWORD_MISTAKE
    urls.push(url)
  }
  if (new Set(urls.map(({ protocol }) => protocol)).size > 1)
    return 'names servers with TLS and without: begin each URL with tls://, or each with nats://'
  const users = urls
    .filter(({ username }) => username !== '')
    .map(({ username, password }) => `${username}:${password}`)
  if (new Set(users).size > 1) return 'names servers with several users: give user and password once, they hold for all'
  return null
}

/** What is wrong with the URL of a monitoring port, in the same form. */
export function monitorUrlMistake(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol))
    return 'is not the URL of a monitoring port: give it as http://host:8222'
  if (url.username !== '' || url.password !== '')
    return 'has a user or a password, which a monitoring port does not ask for: give it as http://host:8222'
  return null
}

function hasStrayPercent(text: string): boolean {
  return /%(?![0-9A-Fa-f]{2})/.test(text)
}

/** Server and database of a URL that is well formed: two URLs with the same one would write over each other. */
export function databasePlace(text: string): string {
  const url = new URL(text)
  const host = url.searchParams.get('host') ?? url.hostname
  const port = url.searchParams.get('port') ?? (url.port === '' ? '5432' : url.port)
  return `${host.toLowerCase()}:${port}${decodeURIComponent(url.pathname)}`
}
