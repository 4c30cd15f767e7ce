import { POSTGRES_FORM, postgresUrlMistake } from '../configuration/database-url.ts'
import { type ConfigurationRequest, readGivenValues } from '../configuration/given-values.ts'
import { configurationFailure, settingTitle, unknownNames } from '../configuration/mistakes.ts'
import type { PostgresTarget } from '../postgres/session.ts'

const VARIABLE = 'MONOLITH_DATABASE_URL'

/**
 * Reads the monolith's URL from where every setting comes from, and looks at nothing else: a backup is made before there
 * are contracts, services or a broker.
 * @throws Failure 2 that names every mistake at once.
 */
export async function readBackupTarget(request: ConfigurationRequest): Promise<PostgresTarget> {
  const { values, mistakes } = await readGivenValues(request)
  const url = values.get(VARIABLE)?.value
  const mistake =
    url === undefined
      ? `is not set: give the URL of the monolith's database, as ${POSTGRES_FORM}`
      : postgresUrlMistake(url)
  const all = [
    ...mistakes,
    ...unknownNames(values, null),
    ...(mistake === null ? [] : [`${settingTitle(VARIABLE, values)} ${mistake}.`]),
  ]
  if (url === undefined || all.length > 0) throw configurationFailure(all)
  return { title: 'the monolith', variable: VARIABLE, url }
}
