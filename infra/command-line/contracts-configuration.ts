import { resolve } from 'node:path'
import { Failure } from '../../contracts/failure.ts'
import type { ContractSet } from '../../contracts/language/contract-set.ts'
import { loadContracts } from '../configuration/contract-module.ts'
import { natsUrlMistake, POSTGRES_FORM, postgresUrlMistake } from '../configuration/database-url.ts'
import { type ConfigurationRequest, type GivenValues, readGivenValues } from '../configuration/given-values.ts'
import { configurationFailure, issueSentences, settingTitle, unknownNames } from '../configuration/mistakes.ts'
import { settingsSchema } from '../configuration/settings.ts'
import type { PostgresTarget } from '../postgres/session.ts'

const MONOLITH_VARIABLE = 'MONOLITH_DATABASE_URL'

/**
 * Reads the URL of the database that is drafted, and looks at nothing else: there are no contracts yet.
 * @param variable the setting that has it, where it is not the monolith's own.
 * @throws Failure 2 that names every mistake at once, and never shows the URL.
 */
export async function readDraftTarget(
  request: ConfigurationRequest,
  variable: string = MONOLITH_VARIABLE,
): Promise<PostgresTarget> {
  if (!/^\w+_URL$/.test(variable))
    throw new Failure(
      2,
      `The URL is not given as an argument, which everybody on this machine could read: set ${MONOLITH_VARIABLE}, or name the variable that has it, whose name ends in _URL.`,
    )
  const { values, mistakes } = await readGivenValues(request)
  const url = values.get(variable)?.value
  const mistake =
    url === undefined
      ? `is not set: give the URL of the monolith's database, as ${POSTGRES_FORM}`
      : postgresUrlMistake(url)
  const all = [
    ...mistakes,
    ...unknownNames(values, null),
    ...(mistake === null ? [] : [`${settingTitle(variable, values)} ${mistake}.`]),
  ]
  if (url === undefined || all.length > 0) throw configurationFailure(all)
  return { title: 'the monolith', variable, url }
}

/** What an export is made of. No server is asked. */
export interface ExportSettings {
  readonly set: ContractSet
  readonly prefix: string
  /** Null where NATS_URL is not set. */
  readonly natsUrl: string | null
}

/** @throws Failure 2 that names every mistake at once. */
export async function readExportSettings(request: ConfigurationRequest): Promise<ExportSettings> {
  const { values, mistakes } = await readGivenValues(request)
  const given = values.get('SCISSION_CONTRACTS')
  const path = given === undefined ? request.defaultContracts : resolve(given.folder, given.value)
  const contracts = await loadContracts(path, settingTitle('SCISSION_CONTRACTS', values))
  if ('mistake' in contracts)
    throw configurationFailure([...mistakes, contracts.mistake, ...unknownNames(values, null)])
  const { set } = contracts
  const schema = settingsSchema(set, [], false).pick({ SCISSION_PREFIX: true })
  const parsed = schema.safeParse({ SCISSION_PREFIX: values.get('SCISSION_PREFIX')?.value })
  const all = [
    ...mistakes,
    ...unknownNames(values, set),
    ...(parsed.success ? [] : issueSentences(parsed.error.issues, values, set)),
    ...natsMistakes(values),
  ]
  if (!parsed.success || all.length > 0) throw configurationFailure(all)
  return { set, prefix: parsed.data.SCISSION_PREFIX, natsUrl: values.get('NATS_URL')?.value ?? null }
}

function natsMistakes(values: GivenValues): string[] {
  const url = values.get('NATS_URL')?.value
  const mistake = url === undefined ? null : natsUrlMistake(url)
  return mistake === null ? [] : [`${settingTitle('NATS_URL', values)} ${mistake}.`]
}
