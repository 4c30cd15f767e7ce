import type { ComponentChildren } from 'preact'
import type { ServiceLag } from '../../service-lag.ts'
import { countText, durationText, percentText, shareOfTable } from './quantities.ts'

/** What a row has no room for. */
export function ServiceDetails({ lag }: { readonly lag: ServiceLag }) {
  const { epoch, isConsumed, lastError, lastSequence, loading, service, streamSequence } = lag
  return (
    <div class="details-body">
      <dl>
        <Fact name="Consumer">{isConsumed ? 'holds the lease' : 'nobody holds the lease'}</Fact>
        <Fact name="Applied of the stream">
          {countText(streamSequence)} of {countText(lastSequence)}
        </Fact>
        <Fact name="Epoch">{countText(epoch)}</Fact>
        <Fact name="Last error">
          {lastError === null ? 'none' : `${lastError.text} (${durationText(lastError.secondsAgo)} ago)`}
        </Fact>
      </dl>
      {loading.entities.length === 0 ? null : <EntitiesTable service={service} loading={loading} />}
    </div>
  )
}

function Fact({ children, name }: { readonly children: ComponentChildren; readonly name: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

interface EntitiesProps {
  readonly service: string
  readonly loading: ServiceLag['loading']
}

function EntitiesTable({ loading: { entities, isEstimate }, service }: EntitiesProps) {
  return (
    <table class="entities">
      <caption>Tables of {service}, and what of the snapshot they hold</caption>
      <thead>
        <tr>
          <th scope="col">Table</th>
          <th scope="col" class="number">
            Rows
          </th>
          <th scope="col">Loaded</th>
        </tr>
      </thead>
      <tbody>
        {entities.map(({ entity, expectedRows, rows }) => {
          const share = shareOfTable(rows, expectedRows, isEstimate)
          return (
            <tr key={entity}>
              <th scope="row">{entity}</th>
              <td class="number">
                {countText(rows)} {expectedRows === null ? null : <small>of {countText(expectedRows)}</small>}
              </td>
              <td>
                {share === null ? (
                  'not known'
                ) : (
                  <span class="share">
                    <progress max={1} value={share} aria-label={`Rows of ${entity}`} />
                    <span>{percentText(share)}</span>
                  </span>
                )}
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}
