import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'

/** Where the page is served. */
export interface ServeAddress {
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
}

/**
 * Whether only this machine reaches an address, and a name in a `Host` header means this machine.
 * @param host as in a URL, so that an IPv6 address may stand in brackets.
 */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'))
}

export interface RequestOrigin {
  /** The `Host` header. */
  readonly host: string | undefined
  /** The `Sec-Fetch-Site` and `Sec-Fetch-Mode` headers, which browsers set. */
  readonly site: string | undefined
  readonly mode: string | undefined
}

export function originOf({ headers }: Pick<FastifyRequest, 'headers'>): RequestOrigin {
  const single = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value)
  return {
    host: headers.host,
    site: single(headers['sec-fetch-site']),
    mode: single(headers['sec-fetch-mode']),
  }
}

/**
 * Why a server without a token does not answer; null where it does. Whoever can be asked without a token must be asked by this
 * machine's own pages alone: a name of another's that leads to loopback would let any page in a browser here read it (DNS
 * rebinding).
 */
export function foreignness({ host, mode, site }: RequestOrigin): string | null {
  if (host === undefined || !isLoopback(hostName(host)))
    return 'Without a token this page is for its own machine alone, by the name localhost: to reach it from elsewhere set SCISSION_TOKEN.'
  if (site === 'cross-site' && mode !== 'navigate')
    return 'Another site asked for this, which has no business here: open the page itself.'
  return null
}

/** A `Host` header without its port. */
function hostName(host: string): string {
  return /^(\[[^\]]*\]|[^:]*)(:\d*)?$/.exec(host)?.[1] ?? host
}
