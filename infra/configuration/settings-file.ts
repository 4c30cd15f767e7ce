import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** The file that is read where neither `--config` nor SCISSION_CONFIG names one, and where it exists. */
export const DEFAULT_FILE = 'scission.config.json'

/** A value as it was given. `folder` is where a relative path in it begins. */
export interface GivenValue {
  readonly value: string
  readonly folder: string
  /** The file that gave it, or null for the environment. */
  readonly file: string | null
}

export interface SettingsFile {
  readonly values: ReadonlyMap<string, GivenValue>
  /** Sentences; the file gives no values where they say that it cannot be read. */
  readonly mistakes: readonly string[]
}

/**
 * Reads the settings of a file. Nothing is thrown: mistakes are reported together with all others.
 * @param named the file that the operator named, by `source`; null to read the default file, if there is one.
 */
export async function readSettingsFile(
  folder: string,
  named: { readonly path: string; readonly source: string } | null,
): Promise<SettingsFile> {
  const path = resolve(folder, named?.path ?? DEFAULT_FILE)
  try {
    return parseSettings(path, await readFile(path, 'utf8'))
  } catch (error) {
    if (named === null && codeOf(error) === 'ENOENT') return { values: new Map(), mistakes: [] }
    const source = named === null ? '' : `, which ${named.source} names,`
    const mistake = `The configuration file ${path}${source} cannot be read (${codeOf(error)}): correct its path or its permissions`
    return { values: new Map(), mistakes: [`${mistake}.`] }
  }
}

/** Reads a JSON object of text and numbers by name; everything else in it is a mistake that is named. */
export function parseSettings(path: string, content: string): SettingsFile {
  const parsed = parseJson(content)
  if ('fault' in parsed) return { values: new Map(), mistakes: [`${path} is not JSON${parsed.fault}: correct it.`] }
  if (typeof parsed.value !== 'object' || parsed.value === null || Array.isArray(parsed.value))
    return { values: new Map(), mistakes: [`${path} must hold one JSON object: {"NATS_URL": "nats://…", …}.`] }
  const entries = Object.entries(parsed.value)
  const usable = entries.filter(([, value]) => isSimple(value))
  const given = (value: unknown): GivenValue => ({ value: String(value), folder: dirname(path), file: path })
  return {
    values: new Map(usable.map(([name, value]) => [name, given(value)])),
    mistakes: entries
      .filter(([, value]) => !isSimple(value))
      .map(([name]) => `${name} in ${path} must be text or a number.`),
  }
}

function isSimple(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number'
}

/** The parser's own message quotes what it read, which may be a password: so only the place is taken from it. */
function parseJson(content: string): { readonly value: unknown } | { readonly fault: string } {
  try {
    return { value: JSON.parse(content.replace(/^\uFEFF/, '')) }
  } catch (error) {
    const position = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1]
    return { fault: position === undefined ? '' : ` (line ${lineAt(content, Number(position))})` }
  }
}

function lineAt(content: string, position: number): number {
  return content.slice(0, position).split('\n').length
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
