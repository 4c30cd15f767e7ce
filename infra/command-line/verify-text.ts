import type { ReferenceReport, RowDifference, ServiceReport, TableReport, VerifyReport } from '../verify/report.ts'
import { unreachable } from '../../contracts/failure.ts'
import { counted, countText, durationText } from './quantities.ts'
import { tableText, wrappedText } from './tables.ts'
import type { Colours } from './terminal.ts'

/** What a person reads of a verification: the services, then each difference, then what is only information. */
export function verifyText(report: VerifyReport, colours: Colours, columns: number): string {
  const { against } = report
  const differing = report.services.flatMap((service) =>
    service.tables
      .filter(({ verified }) => !verified)
      .map((table) => tableDifferences(service, table, { against, columns })),
  )
  return [
    servicesTable(report.services, colours),
    ...differing,
    ...parkedText(report.services, columns),
    ...referencesText(report.references, columns),
    verdict(report, colours, columns),
  ].join('\n\n')
}

function servicesTable(services: readonly ServiceReport[], colours: Colours): string {
  return tableText(
    [
      { title: 'service', align: 'left' },
      { title: 'tables', align: 'right' },
      { title: 'rows', align: 'right' },
      { title: 'time', align: 'right' },
      { title: '', align: 'left' },
    ],
    services.map(({ service, tables, seconds, verified }) => [
      service,
      String(tables.length),
      countText(tables.reduce((sum, { expected }) => sum + expected.rows, 0)),
      durationText(seconds),
      equality(verified, colours),
    ]),
  )
}

/** The word for a comparison's result. */
export function equality(verified: boolean, colours: Colours): string {
  return verified ? colours.green('equal') : colours.red('DIFFERENT')
}

interface Manner {
  readonly against: VerifyReport['against']
  readonly columns: number
}

export function tableDifferences(
  { service }: Pick<ServiceReport, 'service'>,
  table: TableReport,
  { against, columns }: Manner,
): string {
  const { differences, expected, found, structure } = table
  const total = differences.total === null ? 'rows differ' : `${counted(differences.total, 'row')} differ`
  const rows = found === null ? '' : ` (${countText(expected.rows)} in the ${against}, ${countText(found.rows)} here)`
  const unnamed = (differences.total ?? 0) - differences.rows.length
  const hasRows = differences.total !== 0
  const wrapped = (line: string): string => wrappedText(line, columns, '  ')
  return [
    wrapped(`${service}.${table.entity}: ${hasRows ? total + rows : 'its rows are equal, its structure is not'}`),
    ...structure.map((text) => wrapped(`- ${text}`)),
    // Values stand in these as they are, blanks included.
    ...differences.rows.map((row) => `- ${rowText(row, against)}`),
    ...(differences.rows.length > 0 && unnamed > 0 ? [`- and ${countText(unnamed)} more (--limit)`] : []),
    ...(differences.note === null ? [] : [wrapped(`- ${differences.note}`)]),
  ].join('\n')
}

export function rowText(row: RowDifference, against: VerifyReport['against']): string {
  const key = row.key.map(({ column, value }) => `${column} ${value}`).join(', ')
  switch (row.kind) {
    case 'missing':
      return `${key}: is missing here`
    case 'extra':
      return `${key}: is not in the ${against}`
    case 'count':
      return `${key}: is here ${counted(row.found, 'time')}, and ${counted(row.expected, 'time')} in the ${against}`
    case 'different':
      return `${key}: ${row.columns.map((column) => columnText(column, against)).join('; ')}`
    default:
      return unreachable(row)
  }
}

function columnText(
  { column, expected, found, character }: (RowDifference & { kind: 'different' })['columns'][number],
  against: VerifyReport['against'],
): string {
  const place = character === null ? '' : ` (from character ${countText(character)} on)`
  return `${column} is ${found}, and ${expected} in the ${against}${place}`
}

/** Where nothing differs what is parked changes nothing. */
function parkedText(services: readonly ServiceReport[], columns: number): string[] {
  return services
    .filter(({ parked, verified }) => parked > 0 && !verified)
    .map(({ parked, service }) => {
      const text = `Of service ${service} ${counted(parked, 'change is', 'changes are')} parked, and its rows may differ by just these: see parked list ${service}.`
      return wrappedText(text, columns)
    })
}

/** References that lead nowhere were so in the monolith too: they are told, and are no difference. */
function referencesText(references: readonly ReferenceReport[], columns: number): string[] {
  const open = references.filter(({ withoutTarget }) => withoutTarget > 0)
  if (open.length === 0) return []
  const lines = open.map(({ from, to, when, rows, withoutTarget }) => {
    const kind = when === null ? '' : ` where ${when.column} is ${when.equals}`
    return `- ${from.service}.${from.entity} (${from.columns.join(', ')}) to ${to.service}.${to.entity}${kind}: ${countText(withoutTarget)} of ${countText(rows)}`
  })
  const title = 'For information, references across services whose target does not exist (as in the monolith):'
  return [[title, ...lines].map((line) => wrappedText(line, columns, '  ')).join('\n')]
}

function verdict(report: VerifyReport, colours: Colours, columns: number): string {
  const tables = report.services.flatMap((service) => service.tables)
  const rows = tables.reduce((sum, { expected }) => sum + expected.rows, 0)
  const differing = tables.filter(({ verified }) => !verified).length
  const what = report.verified
    ? `Verified: ${counted(tables.length, 'table')} with ${counted(rows, 'row')} are equal to the monolith`
    : `NOT verified: ${counted(differing, 'table')} of ${countText(tables.length)} differ from the monolith`
  const text = `${what} as of ${report.consistencyPoint} (epoch ${report.epoch}), in ${durationText(report.seconds)}.`
  return (report.verified ? colours.green : colours.red)(wrappedText(text, columns))
}
