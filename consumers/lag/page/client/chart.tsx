import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import type { ChartData } from './chart-data.ts'

export interface ChartLine {
  readonly label: string
  /** The name of the custom property of its colour. */
  readonly colour: string
  readonly dash: readonly number[]
  readonly isShown: boolean
}

interface ChartProps {
  /** What it shows, in words: the drawing itself says nothing to whoever does not see it. */
  readonly label: string
  readonly describedBy: string
  readonly lines: readonly ChartLine[]
  readonly data: ChartData
  readonly scale: uPlot.Scale
  readonly marks: (end: number) => number[]
  readonly markText: (value: number) => string
  readonly scheme: 'light' | 'dark'
}

const HEIGHT_PX = 200
const AXIS_PX = 62
const LEAST_SPAN_S = 60

/** Lines over time. It is made anew where its lines or the colours change, and else only gets the data. */
export function Chart(props: ChartProps) {
  const { data, describedBy, label, lines, scheme } = props
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const drawn = JSON.stringify([lines, scheme])
  useEffect(() => {
    const element = place.current
    if (element === null) return
    const made = new uPlot(optionsOf(props, element), data, element)
    plot.current = made
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT_PX }))
    resized.observe(element)
    return () => {
      resized.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [drawn])
  useEffect(() => plot.current?.setData(data), [data])
  return <div class="chart" ref={place} role="img" aria-label={label} aria-describedby={describedBy} />
}

function optionsOf({ lines, markText, marks, scale }: ChartProps, element: HTMLElement): uPlot.Options {
  const styles = getComputedStyle(element)
  const colourOf = (name: string): string => styles.getPropertyValue(name).trim()
  const font = `12px ${styles.fontFamily}`
  const axis = { stroke: colourOf('--muted'), font, ticks: { show: false } }
  return {
    width: element.clientWidth,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    padding: [8, 30, 0, 0],
    // A few looks do not fill the width.
    scales: { x: { time: true, range: (_self, from, to) => [Math.min(from, to - LEAST_SPAN_S), to] }, y: scale },
    axes: [
      { ...axis, size: 28, grid: { show: false }, space: 75, values: '{HH}:{mm}:{ss}' },
      {
        ...axis,
        size: AXIS_PX,
        grid: { stroke: colourOf('--line'), width: 1 },
        // uPlot leaves out what is no power of ten.
        filter: (_self, splits) => splits,
        splits: (self) => marks(self.scales['y']?.max ?? 0),
        values: (_self, values) => values.map(markText),
      },
    ],
    series: [
      {},
      ...lines.map(({ colour, dash, isShown, label }) => ({
        label,
        show: isShown,
        stroke: colourOf(colour),
        width: 1.75,
        dash: [...dash],
        points: { show: false },
        spanGaps: false,
      })),
    ],
  }
}
