import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { LagReport } from '../../consumers/lag/lag-report.ts'
import { isLoopback, type ServeAddress } from '../../consumers/lag/serve/access.ts'
import type { Unwatched } from '../../consumers/lag/serve/mark-unwatched.ts'
import type { LagServer } from '../../consumers/lag/serve/start-lag-server.ts'
import { Failure } from '../../contracts/failure.ts'
import type { MonolithConfiguration } from '../configuration/configuration.ts'
import { withoutSecrets } from '../configuration/secrets.ts'
import { TOKEN_PATTERN, TOKEN_RULE } from '../configuration/token.ts'
import type { UseSession } from '../postgres/kept-sessions.ts'
import { serveAddressFlag } from './serve-address.ts'
import type { VerbContext } from './verb.ts'

/** Of so many different defects no more is said. */
const MOST_SAID = 100

/** Flags of a verb beside which the page is served. */
export interface ServeFlags {
  readonly serve?: ServeAddress
  readonly tokenFile?: string
}

export function withServeFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--serve <address>', 'show lag on a page meanwhile, and to Prometheus: [host:]port').argParser(
        serveAddressFlag,
      ),
    )
    .option('--token-file <file>', 'the token that --serve asks for, in place of SCISSION_TOKEN')
}

/** What is served, to whom. */
export interface Serving {
  readonly configuration: MonolithConfiguration
  /** Why nothing is told of a database, by the name of its URL. */
  readonly unwatched?: ReadonlyMap<string, string>
  /** The names of those URLs among them that nobody has configured: nobody is alerted of them. */
  readonly unset?: ReadonlySet<string>
  readonly address: ServeAddress
  readonly token: string | null
  /** Names the verb in connections and sentences. */
  readonly verb: string
}

/** Serves the page for as long as an action takes; the action begins when it can be asked for. */
export async function withLagServer<Result>(
  { output, signal }: Pick<VerbContext, 'output' | 'signal'>,
  { address, configuration, token, unset = new Set(), unwatched = new Map(), verb }: Serving,
  action: (server: LagServer) => Promise<Result>,
): Promise<Result> {
  const [{ createLagReader }, { createLagWatch }, { markUnwatched }, { startLagServer }, { readPage }, standing] =
    await Promise.all([
      import('../../consumers/lag/lag-reader.ts'),
      import('../../consumers/lag/lag-watch.ts'),
      import('../../consumers/lag/serve/mark-unwatched.ts'),
      import('../../consumers/lag/serve/start-lag-server.ts'),
      import('../../consumers/lag/page/read-page.ts'),
      import('./standing.ts'),
    ])
  const hide = (text: string): string => withoutSecrets(text, urlsOf(configuration))
  let isOver = false
  const log = onceEach((sentence) => {
    // What is cut off at the end fails, and says nothing to anybody.
    if (!isOver) output.note(`scission: ${hide(sentence)}`)
  })
  const { close, sources } = standing.openLagSources(configuration, verb)
  const use = watchedOnly(sources.use, unwatched)
  const readReport = createLagReader({ ...sources, use, wayOut: 'the next look tells it' })
  const unwanted = unwatchedOf(configuration, unset)
  const readMarked = async (): Promise<LagReport> => markUnwatched(await readReport(), unwanted)
  const watch = createLagWatch(readMarked, (error) => log(`Lag could not be read: ${stackOf(error)}`))
  let server: LagServer | null = null
  try {
    const title = titleOf(configuration)
    server = await startLagServer({ watch, address, token, title, readPage, hide, log, signal })
    return await action(server)
  } finally {
    isOver = true
    await close(async () => {
      await server?.close()
      await watch.close()
    })
  }
}

function unwatchedOf({ monolith, services }: MonolithConfiguration, unset: ReadonlySet<string>): Unwatched {
  const unwanted = services.filter(({ database }) => unset.has(database.variable))
  return { isMonolith: unset.has(monolith.variable), services: new Set(unwanted.map(({ service }) => service.name)) }
}

/** Connects to no database of which it is known why nothing can be told. */
function watchedOnly(use: UseSession, unwatched: ReadonlyMap<string, string>): UseSession {
  return async (target, options, action) => {
    const sentence = unwatched.get(target.variable)
    if (sentence !== undefined) throw new Failure(2, sentence)
    return await use(target, options, action)
  }
}

/** What fails each second is said once. */
function onceEach(say: (sentence: string) => void): (sentence: string) => void {
  const said = new Set<string>()
  return (sentence) => {
    if (said.has(sentence) || said.size === MOST_SAID) return
    said.add(sentence)
    say(sentence)
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** Runs a verb's work, with the page beside it where it was asked for. Its end, or what befalls it, ends no work. */
export async function besideLagServer<Result>(
  context: VerbContext,
  flags: ServeFlags,
  verb: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const { serve: address } = flags
  refuseIdleToken(flags)
  if (address === undefined) return await work()
  const configuration = await context.configureWatched()
  const token = await tokenFor(context, address, flags, configuration)
  const { unset, unwatched } = configuration
  const serving = { address, configuration, token, unset, unwatched, verb: `${verb} --serve` }
  return await withLagServer(context, serving, async ({ url }) => {
    context.output.note(`Lag is shown at ${url}`)
    return await work()
  })
}

/** @throws Failure 2 where a file is named, and nothing is served. */
export function refuseIdleToken({ serve, tokenFile }: { readonly serve?: unknown; readonly tokenFile?: string }): void {
  if (tokenFile !== undefined && serve === undefined)
    throw new Failure(2, 'Whom shall the token of --token-file let in? Give --serve with it.')
}

/** @throws Failure 2 where others than this machine reach the address, and there is no token. */
export async function tokenFor(
  { world }: Pick<VerbContext, 'world'>,
  { host }: ServeAddress,
  { tokenFile }: Pick<ServeFlags, 'tokenFile'>,
  { token: configured }: Pick<MonolithConfiguration, 'token'>,
): Promise<string | null> {
  const token = tokenFile === undefined ? configured : await readToken(resolve(world.folder, tokenFile))
  if (token === null && !isLoopback(host))
    throw new Failure(
      2,
      `At ${host} others than this machine could read how the split stands: set SCISSION_TOKEN, or give --token-file, or serve at 127.0.0.1.`,
    )
  return token
}

async function readToken(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Failure(2, `--token-file names ${path}, which cannot be read: correct the path.`, { cause })
  })
  const token = text.trim()
  if (!TOKEN_PATTERN.test(token)) throw new Failure(2, `The token in ${path}, which --token-file names, ${TOKEN_RULE}.`)
  return token
}

function titleOf({ prefix, set }: Pick<MonolithConfiguration, 'prefix' | 'set'>): string {
  return set.name === prefix ? set.name : `${set.name} (${prefix})`
}

function urlsOf({ monolith, nats, services }: MonolithConfiguration): string[] {
  return [monolith.url, nats.url, ...services.map(({ database }) => database.url)]
}
