import type { BackupOutcome } from '../backup/backup.ts'
import type { BackupDifference } from '../backup/compare.ts'
import { allBytes, allRows, type BackupManifest, type TableTotals } from '../backup/manifest.ts'
import { unreachable } from '../../contracts/failure.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import { bytesText, counted, countText, durationText } from './quantities.ts'
import { tableText, wrappedText } from './tables.ts'
import type { Colours } from './terminal.ts'
import { equality } from './verify-text.ts'

/** A person reads no more than these; the manifest has them all. */
const SHOWN_TABLES = 50
const SHOWN_DIFFERENCES = 20

/** What a person reads of a backup: its tables, what it does not hold, and whether it is proven. */
export function backupText(outcome: BackupOutcome, colours: Colours, columns: number): string {
  const { manifest, differences } = outcome
  return [
    tablesTable(outcome, colours),
    ...(differences.length === 0 ? [] : [differencesText(differences, columns)]),
    manifest.notes.map((note) => wrappedText(`- ${note}`, columns, '  ')).join('\n'),
    verdict(outcome, colours, columns),
  ].join('\n\n')
}

function tablesTable({ manifest, differences }: BackupOutcome, colours: Colours): string {
  const shown = largestFirst(manifest.tables).slice(0, SHOWN_TABLES)
  const hidden = manifest.tables.length - shown.length
  const differing = new Set(differences.flatMap((found) => (found.kind === 'table' ? [found.table] : [])))
  const isCompared = manifest.proven || differences.length > 0
  const table = tableText(
    [
      { title: 'table', align: 'left' },
      { title: 'rows', align: 'right' },
      { title: '', align: 'left' },
    ],
    shown.map((each) => [
      tableSql(each),
      countText(each.rows),
      isCompared ? equality(!differing.has(tableSql(each)), colours) : '',
    ]),
  )
  return hidden > 0 ? `${table}\nand ${counted(hidden, 'smaller table')}` : table
}

function largestFirst(tables: readonly TableTotals[]): TableTotals[] {
  return tables.length <= SHOWN_TABLES ? [...tables] : tables.toSorted((one, other) => other.rows - one.rows)
}

function differencesText(differences: readonly BackupDifference[], columns: number): string {
  const hidden = differences.length - SHOWN_DIFFERENCES
  return [
    ...differences.slice(0, SHOWN_DIFFERENCES).map((each) => wrappedText(`- ${differenceText(each)}`, columns, '  ')),
    ...(hidden > 0 ? [`- and ${countText(hidden)} more (--json has them all)`] : []),
  ].join('\n')
}

export function differenceText(difference: BackupDifference): string {
  switch (difference.kind) {
    case 'table': {
      const { table, expected, found } = difference
      const rows = expected.rows === found.rows ? 'other values' : counted(found.rows, 'row')
      return `table ${table} came back with ${rows}, and had ${counted(expected.rows, 'row')} in the monolith`
    }
    case 'object':
      return `${difference.type} ${difference.name} ${OBJECT_TEXTS[difference.is]}`
    case 'sequence':
      return `sequence ${difference.name} came back at ${difference.found}, and was at ${difference.expected} in the monolith`
    case 'large objects': {
      const { expected, found } = difference
      return `${counted(found.objects, 'large object')} of ${bytesText(found.bytes)} came back with digest ${found.digest}, and the monolith has ${countText(expected.objects)} of ${bytesText(expected.bytes)} with ${expected.digest}`
    }
    default:
      return unreachable(difference)
  }
}

const OBJECT_TEXTS = {
  missing: 'did not come back',
  extra: 'came back, and is not in the monolith',
  changed: 'came back with another definition',
} as const

function verdict({ folder, manifest, differences, seconds }: BackupOutcome, colours: Colours, columns: number): string {
  const colour = differences.length > 0 ? colours.red : manifest.proven ? colours.green : colours.yellow
  return colour(wrappedText(verdictText(folder, manifest, differences.length, seconds), columns))
}

/** The closing line, which alone says whether this is a backup. */
export function verdictText(folder: string, manifest: BackupManifest, differences: number, seconds: number): string {
  const { tables, files, takenAt, proof } = manifest
  const what = `${counted(tables.length, 'table')} with ${counted(allRows(tables), 'row')} as of ${takenAt} (${bytesText(allBytes(files))})`
  const time = durationText(seconds)
  if (differences > 0)
    return `NO backup: ${counted(differences, 'difference')} between the monolith and what was restored from ${folder}, which stays to be looked at; the next backup begins anew. (${time})`
  if (proof !== null)
    return `Proven backup: ${folder} holds ${what}; it was restored into PostgreSQL ${proof.postgres}, and everything is equal. (${time})`
  return `Unproven dump: ${folder} holds ${what}; every file was read back and every row counted, but nothing was restored. Only --prove shows that it can be. (${time})`
}
