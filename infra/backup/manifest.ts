import type { TableName } from '../catalog/catalog.ts'

/** What the digest of a table tells: the number of its rows, and the sum of their hashes as hexadecimal text. */
export interface Totals {
  readonly rows: number
  readonly digest: string
}

export interface TableTotals extends TableName, Totals {}

export interface LargeObjects {
  readonly objects: number
  readonly bytes: number
  readonly digest: string
}

/**
 * A sequence's value before the dump and behind it, as `value` where it was handed out, or `value (unused)`. Sequences
 * stand outside of every snapshot, so that one that is in use has no single value in a dump.
 */
export interface SequenceSpan extends TableName {
  readonly before: string
  readonly after: string
}

export interface DumpFile {
  /** In the backup's folder, for example `dump/toc.dat`. */
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

/** What the proof restored the dump into. */
export interface Proof {
  readonly provenAt: string
  readonly postgres: string
  /** Whether the scratch database had the monolith's own locale. */
  readonly sameLocale: boolean
  readonly seconds: number
}

/** `scission-backup.json`: what a backup holds. It has no secret in it; the dump beside it has all of them. */
export interface BackupManifest {
  readonly format: 1
  /** The moment that the snapshot shows. */
  readonly takenAt: string
  readonly proven: boolean
  readonly proof: Proof | null
  readonly monolith: {
    readonly systemId: string
    readonly database: string
    readonly postgres: string
    readonly encoding: string
    readonly locale: string
  }
  readonly pgDump: string
  readonly snapshot: { readonly name: string; readonly visible: string; readonly position: string }
  readonly tables: readonly TableTotals[]
  readonly largeObjects: LargeObjects
  readonly sequences: readonly SequenceSpan[]
  /** How many objects of each type there are, as `pg_identify_object` calls the types. */
  readonly objects: Readonly<Record<string, number>>
  readonly extensions: readonly string[]
  /** The roles that the dump names and does not hold: they must exist where it is restored. */
  readonly roles: readonly string[]
  /** What the dump does not hold, or holds in a way of its own, as sentences. */
  readonly notes: readonly string[]
  readonly files: readonly DumpFile[]
}

export const MANIFEST_FILE = 'scission-backup.json'

/** Where pg_dump's directory lies in the backup's folder. */
export const DUMP_FOLDER = 'dump'

export function manifestText(manifest: BackupManifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`
}

/** The rows of all tables. */
export function allRows(tables: readonly Pick<Totals, 'rows'>[]): number {
  return tables.reduce((sum, { rows }) => sum + rows, 0)
}

export function allBytes(files: readonly Pick<DumpFile, 'bytes'>[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}
