import { useMemo, useState } from 'preact/hooks'
import type uPlot from 'uplot'
import { Chart } from './chart.tsx'
import { ageAxisEnd, ageMarks, ageMarkText, lagData, lagSummary } from './chart-data.ts'
import { durationText } from './quantities.ts'
import type { Series } from './series.ts'

interface LagChartProps {
  readonly series: Series
  readonly names: readonly string[]
  readonly scheme: 'light' | 'dark'
}

// oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- uPlot's enumeration is there for the compiler alone
const ARC_SINH = 4 as uPlot.Scale.Distr

/** As many colours as there are; more lines are told apart by their dashes. */
const COLOURS = 10
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 3]]

/** How old the oldest change is that a service has not applied, over the last minutes. */
export function LagChart({ names, scheme, series }: LagChartProps) {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const data = useMemo(() => lagData(series, names), [series, names])
  const lines = names.map((label, index) => ({
    label,
    colour: `--series-${index % COLOURS}`,
    dash: dashOf(index),
    isShown: !hidden.has(label),
  }))
  const toggle = (name: string): void => {
    const others = new Set(hidden)
    if (!others.delete(name)) others.add(name)
    setHidden(others)
  }
  return (
    <section class="card" aria-labelledby="lag-title">
      <h2 id="lag-title">Lag over time</h2>
      <p class="summary" id="lag-summary">
        {lagSummary(series, names)}
      </p>
      <Chart
        label="Lag of each service over time"
        describedBy="lag-summary"
        lines={lines}
        data={data}
        scheme={scheme}
        // Linear near nothing, and logarithmic above: a second and an hour are both seen.
        scale={{ distr: ARC_SINH, asinh: 1, range: (_self, _least, most) => [0, ageAxisEnd(most)] }}
        marks={ageMarks}
        markText={ageMarkText}
      />
      <ul class="legend" aria-label="Lines of the chart">
        {lines.map(({ colour, dash, isShown, label }) => (
          <li key={label}>
            <button type="button" aria-pressed={isShown} onClick={() => toggle(label)}>
              <svg class="swatch" viewBox="0 0 20 8" aria-hidden="true">
                <path class={colour.slice(2)} d="M1 4h18" stroke-dasharray={dash.join(' ')} />
              </svg>
              {label} <span class="value">{nowText(series, label)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}

function dashOf(index: number): readonly number[] {
  return DASHES[(Math.floor(index / COLOURS) + (index % 2)) % DASHES.length] ?? []
}

function nowText({ services }: Series, name: string): string {
  const point = services[name]?.at(-1)
  if (point === undefined || point === null) return '–'
  return point.appliedSeconds === 0 ? '0 s' : durationText(point.appliedSeconds)
}
