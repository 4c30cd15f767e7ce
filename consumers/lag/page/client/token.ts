/** Of the browser's objects what is needed here, so that a test needs no browser. */
export interface TokenPlaces {
  readonly location: { readonly hash: string; readonly pathname: string; readonly search: string }
  readonly storage: Pick<Storage, 'getItem' | 'setItem'>
  readonly replaceAddress: (address: string) => void
}

interface Storage {
  getItem(name: string): string | null
  setItem(name: string, value: string): void
}

const NAME = 'scission-token'

/**
 * The token of this tab. One that the address bears (`#token=…`) is taken once, and removed from there: an address is seen,
 * kept and passed on. What stands behind `#` is sent to no server.
 */
export function takeToken({ location, replaceAddress, storage }: TokenPlaces): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get('token')
  if (given === null) return storage.getItem(NAME)
  replaceAddress(`${location.pathname}${location.search}`)
  keepToken(storage, given)
  return given.trim()
}

/** It is gone with the tab. */
export function keepToken(storage: TokenPlaces['storage'], token: string): void {
  storage.setItem(NAME, token.trim())
}
