import type { LagReport } from '../../lag-report.ts'
import { type FlowNode, flowOf, speedOf, type Stream } from './flow.ts'
import { rateText } from './quantities.ts'
import type { Series } from './series.ts'
import { StatusIcon } from './status-chip.tsx'

/** Monolith, log and services, with what flows between them. */
export function FlowPicture({ report, series }: { readonly report: LagReport; readonly series: Series }) {
  const { log, monolith, services, toLog } = flowOf(report, series)
  return (
    <section class="card" aria-labelledby="flow">
      <h2 id="flow">Flow</h2>
      <div class="flow">
        <Node node={monolith} />
        <Pipe stream={toLog} />
        <Node node={log} />
        <ul class="fan">
          {services.map(({ stream, ...node }) => (
            <li key={node.name} class="branch">
              <Pipe stream={stream} />
              <Node node={node} />
            </li>
          ))}
        </ul>
      </div>
    </section>
  )
}

function Node({ node: { name, note, text, tone } }: { readonly node: FlowNode }) {
  return (
    <div class={`node ${tone}`}>
      <StatusIcon tone={tone} />
      <strong class="node-name">{name}</strong>
      <span class="node-state">{text}</span>
      {note === '' ? null : <span class="node-note">{note}</span>}
    </div>
  )
}

function Pipe({ stream: { perSecond, tone } }: { readonly stream: Stream }) {
  return (
    <div class={`pipe ${tone} speed-${speedOf(perSecond)}`}>
      <span class="pipe-rate">
        {perSecond === null ? '–' : rateText(perSecond)}
        <span class="unseen"> messages</span>
      </span>
    </div>
  )
}
