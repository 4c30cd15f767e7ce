import { useMemo } from 'preact/hooks'
import { slotLimitBytes } from '../../source-faults.ts'
import type { SentLook } from './page-state.ts'
import { Chart } from './chart.tsx'
import { byteAxisEnd, byteMarks, walData, walSummary } from './chart-data.ts'
import { bytesText, percentText } from './quantities.ts'
import { growthOf, type Series } from './series.ts'
import { slotText } from './words.ts'

interface WalChartProps {
  readonly look: SentLook
  readonly series: Series
  readonly scheme: 'light' | 'dark'
}

/** WAL that the monolith keeps for the slot, against what it may keep. */
export function WalChart({ look, scheme, series }: WalChartProps) {
  const { monolith } = look.report
  const slot = monolith?.slot ?? null
  const limitBytes = slot === null ? null : roundedLimit(slotLimitBytes(slot))
  const share = slot === null || limitBytes === null ? null : slot.retainedBytes / limitBytes
  const data = useMemo(() => walData(series, limitBytes), [series, limitBytes])
  const kept = { label: 'kept', colour: '--accent', dash: [], isShown: true }
  const limit = { label: 'limit', colour: '--bad', dash: [6, 4], isShown: true }
  return (
    <section class="card" aria-labelledby="wal-title">
      <h2 id="wal-title">WAL that the monolith keeps</h2>
      <p class="summary" id="wal-summary">
        {slotText(monolith, look.slotSecondsLeft, growthOf(series))} <span class="quiet">{walSummary(series)}</span>
      </p>
      <Chart
        label="WAL that is kept, over time"
        describedBy="wal-summary"
        lines={limitBytes === null ? [kept] : [kept, limit]}
        data={data}
        scheme={scheme}
        scale={{ range: (_self, _least, most) => [0, byteAxisEnd(most)] }}
        marks={byteMarks}
        markText={bytesText}
      />
      {limitBytes === null || share === null ? null : (
        <p class="share wal-share">
          <progress
            class={share > 0.8 ? 'bad' : ''}
            max={1}
            value={Math.min(1, share)}
            aria-label="WAL kept of what may be kept"
          />
          <span>
            {percentText(share)} of {bytesText(limitBytes)}
          </span>
        </p>
      )}
    </section>
  )
}

const MIB = 1024 * 1024

/** The sum wavers by less than a segment: a line that is drawn at it must not. Null where nothing limits it, or nothing may be kept. */
function roundedLimit(bytes: number | null): number | null {
  if (bytes === null || bytes === 0) return null
  return Math.round(bytes / (16 * MIB)) * 16 * MIB || bytes
}
