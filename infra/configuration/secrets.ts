import { natsUrls } from '../nats/server-urls.ts'

/** Shorter passwords stand in too many words to be looked for by themselves. */
const SHORTEST_SOUGHT_CHARACTERS = 6

/**
 * Takes the passwords of URLs out of a text that is about to be shown. Sentences are written without them: this is for
 * what a driver or a server says in words of its own.
 */
export function withoutSecrets(text: string, urls: readonly string[]): string {
  let shown = text
  for (const url of urls.flatMap(natsUrls)) {
    const { user, password, rest } = partsOf(url)
    if (password === '') continue
    for (const form of new Set([password, decoded(password)])) {
      shown = shown.replaceAll(`:${form}@`, ':***@')
      // A password that is also the user's or the database's name is no secret by itself, and its removal would puzzle.
      if (form.length >= SHORTEST_SOUGHT_CHARACTERS && !`${user} ${rest}`.includes(form))
        shown = shown.replaceAll(form, '***')
    }
  }
  return shown
}

/** Cuts a URL as a person means it, up to the last `@`, so that a malformed one hides its password too. */
function partsOf(url: string): { readonly user: string; readonly password: string; readonly rest: string } {
  const start = url.indexOf('://')
  const at = url.lastIndexOf('@')
  if (start < 0 || at < start) return { user: '', password: '', rest: url }
  const credentials = url.slice(start + 3, at)
  const colon = credentials.indexOf(':')
  if (colon < 0) return { user: credentials, password: '', rest: url.slice(at) }
  return { user: credentials.slice(0, colon), password: credentials.slice(colon + 1), rest: url.slice(at) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
