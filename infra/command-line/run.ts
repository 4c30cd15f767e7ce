import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { Failure } from '../../contracts/failure.ts'
import { type ConfigurationRequest, givenUrls } from '../configuration/given-values.ts'
import { withoutSecrets } from '../configuration/secrets.ts'
import { requestOf } from './configuration-request.ts'
import { defectOf } from './defect.ts'
import { type Interruption, listenForInterruption } from './interruption.ts'
import { createTextLog, type Log } from './log.ts'
import { openJsonLogIfWanted } from './open-log.ts'
import { closeGoneTerminals, flushed, openOutput } from './output.ts'
import type { World } from './terminal.ts'
import { usageFailure } from './usage-errors.ts'
import type { AddVerb, SharedFlags, VerbContext, VerbExitCode } from './verb.ts'
import { logWordsOfNode } from './words-of-node.ts'

/**
 * Runs one command, and says how it ended. Exit codes: 0 done, 1 error, 2 usage, 3 a difference was found, 4 refused,
 * 5 lag or time-out, 130 and 143 interrupted.
 */
export async function runCommandLine(world: World, verbs: readonly AddVerb[]): Promise<number> {
  const jsonLog = await openJsonLogIfWanted(world)
  const output = openOutput(world, jsonLog)
  const log = jsonLog ?? createTextLog((line) => output.note(line))
  const interruption = listenForInterruption(process, {
    say: (line) => log.warn({ event: 'interrupted' }, line),
    exit: (code) => {
      output.lower()
      if (log.isJson) sayEnded(log, code)
      process.exit(code)
    },
  })
  if (log.isJson) logWordsOfNode(process, log, (code) => process.exit(code))
  // Bars hide the cursor, and whatever ends the process must give it back.
  process.once('exit', () => {
    output.lower()
    closeGoneTerminals(world)
  })
  try {
    const ended = await runVerb({ world, output, log, interruption }, verbs)
    return interruption.exitCode() ?? ended
  } catch (error) {
    output.lower()
    return await reportError(error, { world, output, log, interruption })
  } finally {
    interruption.close()
    output.lower()
    await Promise.all([flushed(world.stdout), flushed(world.stderr)])
  }
}

interface Surroundings extends Pick<VerbContext, 'world' | 'output' | 'log'> {
  readonly interruption: Interruption
}

async function runVerb(
  { world, output, log, interruption }: Surroundings,
  verbs: readonly AddVerb[],
): Promise<VerbExitCode> {
  let exitCode: VerbExitCode = 0
  const program = newProgram(world)
  const run = async (flags: SharedFlags, action: (context: VerbContext) => Promise<VerbExitCode>): Promise<void> => {
    const { signal, busyWith } = interruption
    const startedAt = Date.now()
    if (log.isJson) log.info({ event: 'begun', version: packageVersion(), pid: process.pid }, 'Begun.')
    const configure = configurationOf(requestOf(world, flags.config))
    exitCode = await action({ world, output, log, ...configure, signal, busyWith })
    const seconds = (Date.now() - startedAt) / 1000
    if (log.isJson) sayEnded(log, interruption.exitCode() ?? exitCode, { seconds })
  }
  for (const add of verbs) add(program, run)
  try {
    await program.parseAsync(world.arguments, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    const failure = usageFailure(error, program, world.arguments)
    if (failure !== null) throw failure
  }
  return exitCode
}

/** The configuration is loaded by the verbs that need it: help and a mistyped flag are answered at once. */
function configurationOf(
  request: ConfigurationRequest,
): Pick<VerbContext, 'configure' | 'configureMonolith' | 'configureWatched'> {
  return {
    configure: async (services) => {
      const { readConfiguration } = await import('../configuration/configuration.ts')
      return await readConfiguration(request, services)
    },
    configureMonolith: async (services) => {
      const { readMonolithConfiguration } = await import('../configuration/configuration.ts')
      return await readMonolithConfiguration(request, services)
    },
    configureWatched: async () => {
      const { readWatchedConfiguration } = await import('../configuration/configuration.ts')
      return await readWatchedConfiguration(request)
    },
  }
}

function newProgram({ stdout, stderr }: World): Command {
  return new Command('scission')
    .description(
      'Splits a PostgreSQL monolith into one database per microservice, through an event log on NATS JetStream.',
    )
    .version(packageVersion())
    .exitOverride()
    .showHelpAfterError(false)
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      // Complaints are thrown too, and are put in our words there.
      outputError: () => undefined,
    })
}

function packageVersion(): string {
  const content: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return String(Reflect.get(Object(content), 'version'))
}

/** One sentence for what an operator can act on; a stack for what only we can. */
async function reportError(error: unknown, { world, output, log, interruption }: Surroundings): Promise<number> {
  const interrupted = interruption.exitCode()
  const urls = await givenUrls(requestOf(world)).catch(() => [])
  const isFailure = error instanceof Failure
  const exitCode = interrupted ?? (isFailure ? error.exitCode : 1)
  const message = withoutSecrets(isFailure ? error.message : String(error), urls)
  // What fails while it is being broken off says nothing, unless it was written for the operator.
  if (isFailure) log.error({ event: 'failed', exitCode }, message)
  else if (interrupted === null) log.error({ event: 'failed', exitCode, err: defectOf(error, urls) }, message)
  else if (log.isJson) sayEnded(log, exitCode)
  if (world.arguments.includes('--json')) {
    const said = interrupted === null || isFailure ? message : 'Interrupted.'
    output.data(JSON.stringify({ error: { exitCode, message: said } }))
  }
  return exitCode
}

/** The last line of every run that did not fail: a log that ends otherwise is of a process that was killed. */
function sayEnded(log: Log, exitCode: number, more: { readonly seconds?: number } = {}): void {
  log.info({ event: 'ended', exitCode, ...more }, `Ended with ${exitCode}.`)
}
