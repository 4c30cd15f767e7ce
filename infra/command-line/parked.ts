import { Failure } from '../../contracts/failure.ts'
import { lsnText, parseLsn } from '../../contracts/positions.ts'
import type { ParkedPlace } from '../../consumers/parked/with-parked.ts'
import { confirm, typedName } from './confirmation.ts'
import { numberFlag } from './flags.ts'
import { chosenText, discardedText, listText, retriedText, shownText, summaryText } from './parked-text.ts'
import { displayOf } from './terminal.ts'
import { unknownAction } from './unknown-action.ts'
import {
  type AddVerb,
  printResult,
  type SharedFlags,
  type VerbContext,
  type VerbExitCode,
  withSharedFlags,
} from './verb.ts'

interface ShowFlags extends SharedFlags {
  readonly limit: number
}

interface RetryFlags extends SharedFlags {
  readonly dryRun?: true
}

interface DiscardFlags extends RetryFlags {
  readonly yes?: true
}

const ACTIONS = ['list', 'add', 'show', 'retry', 'discard']
const SERVICE = 'the service'
const POSITION = 'where its commit begins, such as 0/16B3748'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 10_000

export const addParked: AddVerb = (program, run) => {
  const parked = program
    .command('parked')
    .description('set aside transactions that a table does not take, and apply or discard them later')
    .argument('[action]')
    // Reached by whatever is none of the actions below.
    .action((action?: string) => {
      throw unknownAction('parked', 'what is parked', ACTIONS, action)
    })
  withSharedFlags(parked.command('list').argument('[service...]', 'the services to look at; all where none is named'))
    .description('list the transactions at which consumers stopped, and those that are parked or wait behind them')
    .action((services: string[], flags: SharedFlags) => run(flags, async (context) => list(context, services, flags)))
  withSharedFlags(parked.command('add').argument('<service>', SERVICE).argument('[position]', POSITION))
    .description('choose the transaction at which a consumer stopped: the next consume sets it aside')
    .action((service: string, position: string | undefined, flags: SharedFlags) =>
      run(flags, async (context) => add(context, service, position, flags)),
    )
  withSharedFlags(parked.command('show').argument('<service>', SERVICE).argument('<position>', POSITION))
    .description('show the changes of a transaction that is parked; secrets are left out')
    .option(
      '--limit <number>',
      'how many of its changes are shown',
      (text) => numberFlag(text, 0, MAX_LIMIT),
      DEFAULT_LIMIT,
    )
    .action((service: string, position: string, flags: ShowFlags) =>
      run(flags, async (context) => show(context, service, position, flags)),
    )
  withSharedFlags(parked.command('retry').argument('<service>', SERVICE).argument('[position]', POSITION))
    .description('apply what is parked, each transaction with all that wait behind it; all of the service by default')
    .option('--dry-run', 'say what would come of it, and change nothing')
    .action((service: string, position: string | undefined, flags: RetryFlags) =>
      run(flags, async (context) => retry(context, service, position, flags)),
    )
  withSharedFlags(parked.command('discard').argument('<service>', SERVICE).argument('<position>', POSITION))
    .description('forget what is parked of a transaction; what waits behind it goes on waiting')
    .option('--dry-run', 'say what would be forgotten, and change nothing')
    .option('--yes', 'forget without asking')
    .action((service: string, position: string, flags: DiscardFlags) =>
      run(flags, async (context) => discard(context, service, position, flags)),
    )
}

async function list(context: VerbContext, names: readonly string[], flags: SharedFlags): Promise<VerbExitCode> {
  const places = await placesOf(context, names)
  const { readParkedTransactions } = await import('../../consumers/parked/parked-transactions.ts')
  const { withParked } = await import('../../consumers/parked/with-parked.ts')
  const services = []
  for (const place of places) {
    const service = place.service.name
    const transactions = await withParked(place, async (client) => readParkedTransactions(client, service))
    services.push({ service, transactions })
  }
  printResult(context, flags, { services }, listText(services, columnsOf(context)))
  return 0
}

async function add(
  context: VerbContext,
  name: string,
  position: string | undefined,
  flags: SharedFlags,
): Promise<VerbExitCode> {
  const at = position === undefined ? null : positionOf(position)
  const place = await placeOf(context, name)
  const { chooseParked } = await import('../../consumers/parked/parked-transactions.ts')
  const { changeParked } = await import('../../consumers/parked/with-parked.ts')
  const transaction = await changeParked(place, false, async (client) => chooseParked(client, name, at))
  printResult(context, flags, { service: name, transaction }, chosenText(name, transaction, columnsOf(context)))
  return 0
}

async function show(context: VerbContext, name: string, position: string, flags: ShowFlags): Promise<VerbExitCode> {
  const at = positionOf(position)
  const place = await placeOf(context, name)
  const { showParked } = await import('../../consumers/parked/show-parked.ts')
  const { withParked } = await import('../../consumers/parked/with-parked.ts')
  const transaction = await withParked(place, async (client) => showParked(client, place.service, at, flags.limit))
  printResult(context, flags, { service: name, transaction }, shownText(name, transaction, columnsOf(context)))
  return 0
}

async function retry(
  context: VerbContext,
  name: string,
  position: string | undefined,
  flags: RetryFlags,
): Promise<VerbExitCode> {
  const at = position === undefined ? null : positionOf(position)
  const place = await placeOf(context, name)
  const { retryParked } = await import('../../consumers/parked/retry-parked.ts')
  const { changeParked } = await import('../../consumers/parked/with-parked.ts')
  const dryRun = flags.dryRun === true
  const groups = await changeParked(place, dryRun, async (client, checkpoint) =>
    retryParked(client, { service: place.service, checkpoint, position: at }),
  )
  const text = retriedText(name, groups, { columns: columnsOf(context), dryRun })
  printResult(context, flags, { service: name, dryRun, groups }, text)
  return groups.every(({ refused }) => refused === null) ? 0 : 4
}

async function discard(
  context: VerbContext,
  name: string,
  position: string,
  flags: DiscardFlags,
): Promise<VerbExitCode> {
  const at = positionOf(position)
  const place = await placeOf(context, name)
  const { discardParked, findParked } = await import('../../consumers/parked/parked-transactions.ts')
  const { changeParked, withParked } = await import('../../consumers/parked/with-parked.ts')
  const dryRun = flags.dryRun === true
  if (!dryRun && flags.yes !== true) {
    const parked = await withParked(place, async (client) => findParked(client, name, at))
    const what = `parked discard would forget ${summaryText(parked)} of service ${name}`
    await confirm(context.world, typedName(what, at), context.signal)
  }
  const transaction = await changeParked(place, dryRun, async (client) => discardParked(client, name, at))
  const text = discardedText(name, transaction, { columns: columnsOf(context), dryRun })
  printResult(context, flags, { service: name, dryRun, transaction }, text)
  return 0
}

async function placesOf(context: VerbContext, names: readonly string[]): Promise<ParkedPlace[]> {
  const { prefix, services, set } = await context.configure(names.length === 0 ? 'all' : names)
  return services.map(({ database, service }) => ({ set, prefix, service, database, signal: context.signal }))
}

async function placeOf(context: VerbContext, name: string): Promise<ParkedPlace> {
  const [place] = await placesOf(context, [name])
  if (place === undefined) throw new Error(`The configuration let an unknown service pass: ${name}`)
  return place
}

/** @throws Failure 2 where it is none. */
function positionOf(text: string): string {
  try {
    return lsnText(parseLsn(text))
  } catch (cause) {
    throw new Failure(2, `${JSON.stringify(text)} is not a position: give it as parked list does, such as 0/16B3748.`, {
      cause,
    })
  }
}

function columnsOf({ world }: VerbContext): number {
  return displayOf(world.stdout, world.environment).columns
}
