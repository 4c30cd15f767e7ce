import { InvalidArgumentError } from 'commander'
import type { ServeAddress } from '../../consumers/lag/serve/access.ts'
import { LOOPBACK } from '../embedded/free-port.ts'

/** IANA has given 8689 to 8698 to nobody, nor does a known exporter for Prometheus listen there. */
export const DEFAULT_PORT = 8693

const HIGHEST_PORT = 65_535

/** `8693`, `127.0.0.1:8693`, `[::1]:8693` or `page.internal:0`. */
export function serveAddressFlag(text: string): ServeAddress {
  const [, brackets, name, port] = /^(?:(?:\[([^\]]+)\]|([^:[\]/\s]+)):)?(\d{1,5})$/.exec(text) ?? []
  if (port === undefined || Number(port) > HIGHEST_PORT)
    throw new InvalidArgumentError(`It must be a port, or host:port, such as ${LOOPBACK}:${DEFAULT_PORT}.`)
  return { host: hostOf(brackets ?? name), port: Number(port) }
}

/** `localhost` may lead to two addresses, of which each had a port of its own. */
function hostOf(name: string | undefined): string {
  return name === undefined || name === 'localhost' ? LOOPBACK : name
}

export const DEFAULT_ADDRESS: ServeAddress = { host: LOOPBACK, port: DEFAULT_PORT }
