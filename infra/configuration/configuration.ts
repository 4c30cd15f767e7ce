import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { ContractSet, Service } from '../../contracts/language/contract-set.ts'
import type { NatsTarget } from '../nats/connect.ts'
import type { PostgresTarget } from '../postgres/session.ts'
import { type LoadedContracts, loadContracts } from './contract-module.ts'
import { type ConfigurationRequest, type GivenValues, readGivenValues } from './given-values.ts'
import { configurationFailure, issueSentences, settingTitle, sharedDatabases, unknownNames } from './mistakes.ts'
import { databaseName } from './names.ts'
import { chooseServices } from './service-choice.ts'
import { type Settings, settingsSchema } from './settings.ts'

export interface ServiceTarget {
  readonly service: Service
  readonly database: PostgresTarget
}

export interface Configuration {
  readonly set: ContractSet
  readonly prefix: string
  /** The services that were asked for, in the order of the set, with their databases. */
  readonly services: readonly ServiceTarget[]
  readonly nats: NatsTarget
  readonly replicas: number
  readonly readers: number
  readonly loaders: number
  /** What publish reads of the monolith in a second at most; null where nothing bounds it. */
  readonly maxRate: number | null
  readonly natsMonitorUrl: string | null
  /** 0 for `always`, null where nothing is said. */
  readonly natsSyncIntervalMs: number | null
  /** Who has it may read what `--serve` shows; null where none is set. */
  readonly token: string | null
}

export interface MonolithConfiguration extends Configuration {
  readonly monolith: PostgresTarget
}

/** What is watched beside a verb that needs less: what is not configured can be told of no more than that. */
export interface WatchedConfiguration extends MonolithConfiguration {
  /** Why nothing is told of a database, by the name of its URL. */
  readonly unwatched: ReadonlyMap<string, string>
  /** The names of those URLs among them that nobody has given: that one is missing is no fault, as a wrong one is. */
  readonly unset: ReadonlySet<string>
}

/** The services whose databases a verb needs. */
export type WantedServices = 'all' | readonly string[]

/**
 * Reads what a verb needs to know about NATS and the services.
 * @throws Failure 2 that names every mistake at once.
 */
export async function readConfiguration(
  request: ConfigurationRequest,
  services: WantedServices,
): Promise<Configuration> {
  const { monolith: _, ...configuration } = await readSettings(request, services, false)
  return configuration
}

/** As `readConfiguration`, for a verb that also needs the monolith. */
export async function readMonolithConfiguration(
  request: ConfigurationRequest,
  services: WantedServices,
): Promise<MonolithConfiguration> {
  const { monolith, ...configuration } = await readSettings(request, services, true)
  if (monolith === null) throw new Error('The schema let a configuration pass that has no monolith')
  return { ...configuration, monolith }
}

/**
 * Reads what all of a split is watched with, where a verb that was configured already works beside it: a database whose URL
 * is missing, or wrong, keeps it from nothing.
 */
export async function readWatchedConfiguration(request: ConfigurationRequest): Promise<WatchedConfiguration> {
  const { values } = await readGivenValues(request)
  const contracts = await chosenContracts(values, request.defaultContracts)
  if ('mistake' in contracts) throw configurationFailure([contracts.mistake])
  const { set } = contracts
  const parsed = settingsSchema(set, set.services, true).safeParse(schemaInput(values, set.services))
  const mistaken = (parsed.error?.issues ?? []).map((issue) => ({ issue, name: String(issue.path.at(-1)) }))
  const unwatched = new Map(
    mistaken
      .filter(({ name }) => name.endsWith('_DATABASE_URL'))
      .map(({ issue, name }) => [name, issueSentences([issue], values, set)[0] ?? name]),
  )
  const watchable = new Map([...values, ...[...unwatched.keys()].map((name) => [name, NOWHERE] as const)])
  const settings = settingsSchema(set, set.services, true).parse(schemaInput(watchable, set.services))
  const { monolith, ...configuration } = assemble(set, set.services, settings, values)
  if (monolith === null) throw new Error('The schema let a configuration pass that has no monolith')
  const unset = new Set([...unwatched.keys()].filter((name) => !values.has(name)))
  return { ...configuration, monolith, unwatched, unset }
}

/** Stands where a URL is missing; nobody connects to it. */
const NOWHERE = { value: 'postgres://nowhere.invalid/nothing', folder: '', file: null }

interface ReadSettings extends Configuration {
  readonly monolith: PostgresTarget | null
}

async function readSettings(
  request: ConfigurationRequest,
  wanted: WantedServices,
  monolith: boolean,
): Promise<ReadSettings> {
  const { values, mistakes } = await readGivenValues(request)
  const contracts = await chosenContracts(values, request.defaultContracts)
  if ('mistake' in contracts)
    throw configurationFailure([...mistakes, contracts.mistake, ...unknownNames(values, null)])
  const { set } = contracts
  const choice = chooseServices(set, wanted)
  const parsed = settingsSchema(set, choice.services, monolith).safeParse(schemaInput(values, choice.services))
  const all = [
    ...mistakes,
    ...unknownNames(values, set),
    ...choice.mistakes,
    ...(parsed.success ? [] : issueSentences(parsed.error.issues, values, set)),
    ...sharedDatabases(values, set, { monolith, services: choice.services }),
    ...(await unreadableFiles(values)),
  ]
  if (!parsed.success || all.length > 0) throw configurationFailure(all)
  return assemble(set, choice.services, parsed.data, values)
}

async function chosenContracts(values: GivenValues, defaultContracts: string): Promise<LoadedContracts> {
  const path = givenPath(values, 'SCISSION_CONTRACTS')
  return loadContracts(path ?? defaultContracts, settingTitle('SCISSION_CONTRACTS', values))
}

function schemaInput(values: GivenValues, services: readonly Service[]): unknown {
  const texts = Object.fromEntries([...values].map(([name, { value }]) => [name, value]))
  const databases = Object.fromEntries(services.map(({ name }) => [databaseName(name), texts[databaseName(name)]]))
  return { ...texts, databases }
}

function assemble(
  set: ContractSet,
  services: readonly Service[],
  settings: Settings,
  values: GivenValues,
): ReadSettings {
  const monolith = settings.MONOLITH_DATABASE_URL
  return {
    set,
    prefix: settings.SCISSION_PREFIX,
    services: services.map((service) => serviceTarget(service, settings.databases)),
    monolith:
      monolith === undefined ? null : { title: 'the monolith', variable: 'MONOLITH_DATABASE_URL', url: monolith },
    nats: {
      url: settings.NATS_URL,
      credentialsFile: givenPath(values, 'NATS_CREDENTIALS_FILE'),
      caFile: givenPath(values, 'NATS_CA_FILE'),
    },
    replicas: settings.SCISSION_REPLICAS,
    readers: settings.SCISSION_READERS,
    loaders: settings.SCISSION_LOADERS,
    maxRate: settings.SCISSION_MAX_RATE ?? null,
    natsMonitorUrl: settings.NATS_MONITOR_URL ?? null,
    natsSyncIntervalMs: settings.NATS_SYNC_INTERVAL ?? null,
    token: settings.SCISSION_TOKEN ?? null,
  }
}

function serviceTarget(service: Service, databases: Readonly<Record<string, string>>): ServiceTarget {
  const variable = databaseName(service.name)
  const url = databases[variable]
  if (url === undefined) throw new Error(`The schema let a configuration pass that has no ${variable}`)
  return { service, database: { title: `the database of service ${service.name}`, variable, url } }
}

/** A path begins in the folder of the file that gives it, or in the current one where a variable does. */
function givenPath(values: GivenValues, name: string): string | null {
  const given = values.get(name)
  return given === undefined ? null : resolve(given.folder, given.value)
}

async function unreadableFiles(values: GivenValues): Promise<string[]> {
  const mistakes: string[] = []
  for (const name of ['NATS_CREDENTIALS_FILE', 'NATS_CA_FILE']) {
    const path = givenPath(values, name)
    if (path !== null && !(await isReadable(path)))
      mistakes.push(`${settingTitle(name, values)} names ${path}, which cannot be read: correct the path.`)
  }
  return mistakes
}

async function isReadable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  )
}
