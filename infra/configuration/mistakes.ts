import type { ContractSet, Service } from '../../contracts/language/contract-set.ts'
import { Failure } from '../../contracts/failure.ts'
import { databasePlace, postgresUrlMistake } from './database-url.ts'
import type { GivenValues } from './given-values.ts'
import { databaseName, OWN_NAMES_BEGIN, PROCESS_NAMES, settingNames, TEST_NAMES_BEGIN } from './names.ts'
import { nearestName } from './nearest-name.ts'

/** One failure for all mistakes: whoever corrects a configuration should not have to find them one by one. */
export function configurationFailure(mistakes: readonly string[]): Failure {
  const [first, ...others] = mistakes
  if (first !== undefined && others.length === 0) return new Failure(2, first)
  return new Failure(
    2,
    `The configuration has ${mistakes.length} mistakes:${mistakes.map((text) => `\n  - ${text}`).join('')}`,
  )
}

/** A setting as a sentence names it: with its file, where it does not come from the environment. */
export function settingTitle(name: string, values: GivenValues): string {
  const file = values.get(name)?.file ?? null
  return file === null ? name : `${name} in ${file}`
}

/**
 * Names that mean nothing, and would be left unread in silence: in the environment those that begin as ours do, in the
 * file all.
 * @param set null where it could not be loaded; which database names exist is then not known.
 */
export function unknownNames(values: GivenValues, set: ContractSet | null): string[] {
  const known = settingNames(set?.services.map(({ name }) => name) ?? [])
  const isKnown = (name: string, file: string | null): boolean =>
    known.includes(name) || (file === null && !isOurs(name)) || (set === null && name.endsWith('_DATABASE_URL'))
  return [...values]
    .filter(([name, { file }]) => !isKnown(name, file))
    .map(([name]) => {
      const near = nearestName(name, [...known, ...PROCESS_NAMES])
      return `${settingTitle(name, values)} is not a setting: ${near === null ? 'remove it' : `did you mean ${near}`}${near === null ? '.' : '?'}`
    })
}

function isOurs(name: string): boolean {
  if (name.startsWith(TEST_NAMES_BEGIN) || PROCESS_NAMES.some((own) => own === name)) return false
  return name.startsWith(OWN_NAMES_BEGIN)
}

export interface SettingIssue {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** The schema's issues as sentences. A setting that is missing is asked for with what may be it under a wrong name. */
export function issueSentences(issues: readonly SettingIssue[], values: GivenValues, set: ContractSet): string[] {
  const known = settingNames(set.services.map(({ name }) => name))
  const strangers = [...values.keys()].filter((name) => !known.includes(name) && /URL/i.test(name))
  return issues.map(({ path, message }) => {
    const name = String(path.at(-1))
    const near = values.has(name) ? null : nearestName(name, strangers)
    return `${settingTitle(name, values)} ${message}${near === null ? '' : ` (${near} is set: is it meant?)`}.`
  })
}

/** Two names for one database: what one of them means would be written over, or taken for, the other's. */
export function sharedDatabases(
  values: GivenValues,
  set: ContractSet,
  needed: { readonly monolith: boolean; readonly services: readonly Service[] },
): string[] {
  const names = new Set([
    ...(needed.monolith ? ['MONOLITH_DATABASE_URL'] : []),
    ...needed.services.map(({ name }) => databaseName(name)),
  ])
  const places = new Map<string, string[]>()
  for (const name of ['MONOLITH_DATABASE_URL', ...set.services.map((service) => databaseName(service.name))]) {
    const url = values.get(name)?.value
    if (url === undefined || postgresUrlMistake(url) !== null) continue
    const place = databasePlace(url)
    places.set(place, [...(places.get(place) ?? []), name])
  }
  return [...places.values()]
    .filter((sharing) => sharing.length > 1 && sharing.some((name) => names.has(name)))
    .map((sharing) => `${listed(sharing)} name the same database: each needs one of its own.`)
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
