import type { ConsumeOutcome } from '../../consumers/events.ts'
import type { VerifyReport } from '../verify/report.ts'
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
}

export interface DemoRun {
  readonly elements: number
  readonly seed: number
  readonly seconds: number
  readonly steps: Readonly<Record<string, number>>
  readonly outcomes: readonly ConsumeOutcome[]
  readonly verification: VerifyReport
}

export function demoReport({ outcomes, verification, ...run }: DemoRun): DemoReport {
  const services = outcomes.map(({ service, tables, rows, loadedBytes, seconds }) => ({
    service,
    tables,
    rows,
    bytes: loadedBytes,
    seconds,
    verified: verification.services.some((verified) => verified.service === service && verified.verified),
  }))
  return {
    verified: verification.verified && services.every(({ verified }) => verified),
    ...run,
    rows: services.reduce((sum, { rows }) => sum + rows, 0),
    bytes: services.reduce((sum, { bytes }) => sum + bytes, 0),
    services,
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

function verdict({ verified, services, rows, seconds }: DemoReport, colours: Colours, columns: number): string {
  const equal = services.filter((service) => service.verified).length
  const text = verified
    ? `One monolith of ${counted(rows, 'row')} became ${counted(services.length, 'database')}, each proven equal, in ${durationText(seconds)}.`
    : `Only ${equal} of ${counted(services.length, 'database')} are equal to their part of the monolith.`
  return (verified ? colours.green : colours.red)(wrappedText(text, columns - 1))
}
