import { useState } from 'preact/hooks'
import { isKnown, type LagReport } from '../../lag-report.ts'
import type { ServiceLag } from '../../service-lag.ts'
import { verdictOf } from '../../verdict.ts'
import { bytesText, countText, durationText, loadingShareOf, percentText, rateText } from './quantities.ts'
import { ServiceDetails } from './service-details.tsx'
import { StatusChip } from './status-chip.tsx'
import { ageText } from './words.ts'

const COLUMNS = ['Rows', 'Rate', 'Left', 'Pending', 'Position', 'To log', 'Read', 'Applied'] as const

/** A row a service; behind its name there is more of it. Roles are said, since a narrow screen lays the table out as cards. */
export function ServicesTable({ services }: { readonly services: LagReport['services'] }) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const toggle = (service: string): void => {
    const others = new Set(open)
    if (!others.delete(service)) others.add(service)
    setOpen(others)
  }
  return (
    <section class="card services" aria-labelledby="services">
      <h2 id="services">Services</h2>
      <table role="table">
        <caption>
          In the order of the migration. Lag is the age of the oldest change that is not in the log, not read, and not
          applied.
        </caption>
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col">
              Service
            </th>
            <th role="columnheader" scope="col">
              Status
            </th>
            {COLUMNS.map((title) => (
              <th key={title} role="columnheader" scope="col" class="number">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {services.map((lag) => (
            <ServiceRows
              key={lag.service}
              lag={lag}
              isOpen={open.has(lag.service)}
              toggle={() => toggle(lag.service)}
            />
          ))}
        </tbody>
      </table>
    </section>
  )
}

interface RowProps {
  readonly lag: LagReport['services'][number]
  readonly isOpen: boolean
  readonly toggle: () => void
}

function ServiceRows({ isOpen, lag, toggle }: RowProps) {
  const { service } = lag
  const id = `details-${service}`
  return (
    <>
      <tr role="row" class={`service ${verdictOf(lag).tone}`}>
        <th role="rowheader" scope="row">
          {isKnown(lag) ? (
            <button type="button" class="name" aria-expanded={isOpen} aria-controls={id} onClick={toggle}>
              <svg class="icon chevron" viewBox="0 0 16 16" aria-hidden="true">
                <path d="m6 4 4 4-4 4" />
              </svg>
              {service}
            </button>
          ) : (
            <span class="name">{service}</span>
          )}
        </th>
        <td role="cell" data-label="Status">
          <StatusChip {...verdictOf(lag)} />
          {isKnown(lag) && lag.lastError !== null ? (
            <small class="error">error {durationText(lag.lastError.secondsAgo)} ago</small>
          ) : null}
        </td>
        {isKnown(lag) ? <KnownCells lag={lag} /> : <UnknownCells />}
      </tr>
      {isKnown(lag) ? (
        <tr role="row" id={id} class="details" hidden={!isOpen}>
          <td role="cell" colSpan={COLUMNS.length + 2}>
            {isOpen ? <ServiceDetails lag={lag} /> : null}
          </td>
        </tr>
      ) : null}
    </>
  )
}

function UnknownCells() {
  return (
    <td role="cell" class="told-nothing" colSpan={COLUMNS.length}>
      Nothing can be told of it now.
    </td>
  )
}

function KnownCells({ lag }: { readonly lag: ServiceLag }) {
  const { bytes, hops, loading, messages, messagesPerSecond, phase, position, secondsLeft } = lag
  const isLoading = phase === 'loading' || phase === 'waiting'
  const left = isLoading ? loading.secondsLeft : messages === 0 ? null : secondsLeft
  const cells = [
    <RowsCell key="rows" isLoading={isLoading} loading={loading} />,
    isLoading ? rateText(loading.rowsPerSecond, 'rows') : rateText(messagesPerSecond),
    leftText(left),
    messages === 0 ? (
      '0'
    ) : (
      <>
        {countText(messages)} <small>{bytesText(bytes)}</small>
      </>
    ),
    <span key="position" class="position">
      {position ?? '–'}
    </span>,
    ageText(hops.toLog),
    ageText(hops.toConsumer),
    ageText(hops.toDatabase),
  ]
  return (
    <>
      {COLUMNS.map((title, index) => (
        <td key={title} role="cell" class="number" data-label={title}>
          {cells[index]}
        </td>
      ))}
    </>
  )
}

/** What is done before it is read needs no number. */
function leftText(seconds: number | null): string {
  if (seconds === null) return '–'
  return seconds < 1 ? '< 1 s' : durationText(seconds)
}

function RowsCell({ isLoading, loading }: { readonly isLoading: boolean; readonly loading: ServiceLag['loading'] }) {
  const { expectedRows, isEstimate, rows } = loading
  const share = loadingShareOf(rows, expectedRows)
  if (!isLoading || expectedRows === null || share === null) return <>{countText(rows)}</>
  return (
    <span class="rows">
      <span>
        {countText(rows)}{' '}
        <small>
          of {isEstimate ? 'about ' : ''}
          {countText(expectedRows)}
        </small>
      </span>
      <progress max={1} value={share} aria-label="Rows loaded">
        {percentText(share)}
      </progress>
    </span>
  )
}
