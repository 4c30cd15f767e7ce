import { isKnown, type LagReport } from '../lag-report.ts'

/** What is not configured for the verb beside which is looked: a publisher needs no database of a service. */
export interface Unwatched {
  readonly isMonolith: boolean
  /** By their names. */
  readonly services: ReadonlySet<string>
}

/** Says of what is not told that nobody wants it: no alert may fire for ever because of it. */
export function markUnwatched(report: LagReport, { isMonolith, services }: Unwatched): LagReport {
  return {
    ...report,
    ...(isMonolith && report.monolith === null && { isMonolithUnwatched: true }),
    services: report.services.map((lag) =>
      !isKnown(lag) && services.has(lag.service) ? { ...lag, isUnwatched: true } : lag,
    ),
  }
}

/** The services that somebody wants to be told of. */
export function watchedServices({ services }: Pick<LagReport, 'services'>): LagReport['services'] {
  return services.filter((lag) => isKnown(lag) || lag.isUnwatched !== true)
}
