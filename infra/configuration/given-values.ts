import { readSettingsFile, type GivenValue } from './settings-file.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface ConfigurationRequest {
  readonly environment: Environment
  /** Where relative paths of the environment begin. */
  readonly folder: string
  /** The file that a flag named. */
  readonly configFile: string | null
  /** The module of the contract set that is used where none is named. */
  readonly defaultContracts: string
}

export type GivenValues = ReadonlyMap<string, GivenValue>

/**
 * What the file and the environment give, by name; the environment wins. An empty variable counts as one that is not
 * set, since container tools pass those.
 */
export async function readGivenValues(
  request: ConfigurationRequest,
): Promise<{ readonly values: GivenValues; readonly mistakes: readonly string[] }> {
  const file = await readSettingsFile(request.folder, namedFile(request))
  const own = Object.entries(request.environment).flatMap(([name, value]): [string, GivenValue][] =>
    value ? [[name, { value, folder: request.folder, file: null }]] : [],
  )
  return { values: new Map([...file.values, ...own]), mistakes: file.mistakes }
}

/** Every URL that the environment and the file give, whose passwords must stay out of what is printed. */
export async function givenUrls(request: ConfigurationRequest): Promise<string[]> {
  return urlsOf((await readGivenValues(request)).values)
}

export function urlsOf(values: GivenValues): string[] {
  return [...values].filter(([name]) => name.endsWith('_URL')).map(([, { value }]) => value)
}

function namedFile({ configFile, environment }: ConfigurationRequest): { path: string; source: string } | null {
  if (configFile !== null) return { path: configFile, source: '--config' }
  const variable = environment['SCISSION_CONFIG']
  return variable ? { path: variable, source: 'SCISSION_CONFIG' } : null
}
