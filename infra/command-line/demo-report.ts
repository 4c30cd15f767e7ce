import type { VerifyReport } from '../verify/report.ts'
import type { ApplicationWork } from '../demo/application.ts'
import type { LoadedService } from './demo-watch.ts'
import { bytesText, counted, countText, durationText } from './quantities.ts'
import { tableText, wrappedText } from './tables.ts'
import type { Colours, Display } from './terminal.ts'
import { equality } from './verify-text.ts'

export interface DemoService {
  readonly service: string
  readonly tables: number
  readonly rows: number
  /** The bytes of its pages. */
  readonly bytes: number
  /** From the beginning of the publication until its database was complete. */
  readonly seconds: number
  readonly verified: boolean
}

/** What the demonstration comes to; docs/configuration.md describes it for programs. */
export interface DemoReport {
  readonly verified: boolean
  readonly elements: number
  readonly seed: number
  readonly rows: number
  readonly bytes: number
  /** The whole run, the servers' start included. */
  readonly seconds: number
  /** The seconds of each step by its name. */
  readonly steps: Readonly<Record<string, number>>
  readonly services: readonly DemoService[]
  /** What the simulated application wrote meanwhile, and what of it the services applied. */
  readonly transactions: number
  readonly appliedChanges: number
}

export interface DemoRun {
  readonly elements: number
  readonly seed: number
  readonly seconds: number
  readonly steps: Readonly<Record<string, number>>
  readonly loaded: readonly LoadedService[]
  readonly work: ApplicationWork
  readonly appliedChanges: number
  readonly verification: VerifyReport
}

export function demoReport({ loaded, verification, work, ...run }: DemoRun): DemoReport {
  const services = verification.services.map(({ service, tables, verified }) => {
    const { bytes = 0, seconds = 0 } = loaded.find((each) => each.service === service) ?? {}
    const rows = tables.reduce((sum, { found }) => sum + (found?.rows ?? 0), 0)
    return { service, tables: tables.length, rows, bytes, seconds, verified }
  })
  return {
    verified: verification.verified && services.every(({ verified }) => verified),
    ...run,
    rows: services.reduce((sum, { rows }) => sum + rows, 0),
    bytes: services.reduce((sum, { bytes }) => sum + bytes, 0),
    services,
    transactions: work.transactions,
  }
}

/** The table that the demonstration ends in. */
export function demoText(report: DemoReport, { colours, columns }: Pick<Display, 'colours' | 'columns'>): string {
  return `${servicesTable(report.services, colours)}\n\n${verdict(report, colours, columns)}`
}

function servicesTable(services: readonly DemoService[], colours: Colours): string {
  return tableText(
    [
      { title: 'service', align: 'left' },
      { title: 'tables', align: 'right' },
      { title: 'rows', align: 'right' },
      { title: 'bytes', align: 'right' },
      { title: 'seconds', align: 'right' },
      { title: '', align: 'left' },
    ],
    services.map(({ service, tables, rows, bytes, seconds, verified }) => [
      service,
      String(tables),
      countText(rows),
      bytesText(bytes),
      seconds.toFixed(1),
      equality(verified, colours),
    ]),
  )
}

function verdict(
  { verified, services, rows, seconds, transactions }: DemoReport,
  colours: Colours,
  columns: number,
): string {
  const equal = services.filter((service) => service.verified).length
  const text = verified
    ? `One monolith of ${counted(rows, 'row')} became ${counted(services.length, 'database')}, each proven equal, in ${durationText(seconds)}, while ${counted(transactions, 'transaction')} were written to it.`
    : `Only ${equal} of ${counted(services.length, 'database')} are equal to their part of the monolith.`
  return (verified ? colours.green : colours.red)(wrappedText(text, columns - 1))
}
