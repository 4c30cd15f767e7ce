import { isKnown, type LagReport } from '../../lag-report.ts'
import { countText } from './quantities.ts'

interface ParkedRow {
  readonly service: string
  readonly entity: string
  readonly position: string
  readonly changes: number | null
  readonly state: string
  readonly reason: string
}

/** What waits for an operator, with what its table had against it. Nothing, where there is none. */
export function Parked({ services }: { readonly services: LagReport['services'] }) {
  const rows = parkedRows(services)
  if (rows.length === 0) return null
  return (
    <section class="card" aria-labelledby="parked">
      <h2 id="parked">Set aside</h2>
      <table class="parked-table" role="table">
        <caption>
          Changes that wait until the row is put right, and then for <code>scission parked retry</code>.
        </caption>
        <thead role="rowgroup">
          <tr role="row">
            {['Service', 'State', 'Table', 'Position', 'Changes', 'Reason'].map((title) => (
              <th key={title} role="columnheader" scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map(({ changes, entity, position, reason, service, state }) => (
            <tr key={`${service} ${state} ${position} ${entity}`} role="row">
              <th role="rowheader" scope="row">
                {service}
              </th>
              <td role="cell" data-label="State">
                {state}
              </td>
              <td role="cell" data-label="Table">
                {entity}
              </td>
              <td role="cell" data-label="Position" class="position">
                {position}
              </td>
              <td role="cell" data-label="Changes">
                {changes === null ? '–' : countText(changes)}
              </td>
              <td role="cell" data-label="Reason" class="reason">
                {reason}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function parkedRows(services: LagReport['services']): ParkedRow[] {
  return services.filter(isKnown).flatMap(({ isConsumed, parkedChanges, service, stopped }) => [
    // One that is consumed again tries it again.
    ...(stopped === null || isConsumed
      ? []
      : [
          {
            service,
            entity: '–',
            position: stopped.position,
            changes: null,
            state: stopped.state,
            reason: stopped.reason,
          },
        ]),
    ...parkedChanges.map((each) => ({ service, state: 'parked', ...each })),
  ])
}
