import { collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client'
import type { LagLook } from '../lag-watch.ts'
import { LAG_METRICS, lagMetrics } from './lag-metrics.ts'

/** What Prometheus reads: of the split, and of this process. */
export interface MetricsRegistry {
  readonly contentType: string
  readonly exposition: (look: LagLook, nowMs: number) => Promise<string>
}

/** The event loop's delay is not told; taken as usual it would wake the process a hundred times a second. */
const EVENT_LOOP_PRECISION_MS = 10_000

/** A registry of its own: whoever embeds the server may have another. */
export function createMetricsRegistry(): MetricsRegistry {
  const registry = new Registry()
  for (const metric of processMetrics()) registry.registerMetric(metric)
  const gauges = new Map<string, Gauge>(
    Object.entries(LAG_METRICS).map(([name, { help, labels }]) => [
      name,
      new Gauge({ name, help, labelNames: [...labels], registers: [registry] }),
    ]),
  )
  return {
    contentType: registry.contentType,
    exposition: async (look, nowMs) => {
      for (const [name, gauge] of gauges) clear(gauge, name)
      for (const { labels, metric, value } of lagMetrics(look, nowMs)) gauges.get(metric)?.set(labels, value)
      return await registry.metrics()
    },
  }
}

/** What Prometheus' own conventions name; the rest is of the runtime, takes as long as all of ours, and changes with the library. */
function processMetrics(): Metric[] {
  const all = new Registry()
  collectDefaultMetrics({ register: all, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS })
  return all
    .getMetricsAsArray()
    .filter(({ name }) => name.startsWith('process_'))
    .flatMap(({ name }) => all.getSingleMetric(name) ?? [])
}

/** A gauge without labels is 0 after it was reset, and must be absent where nothing tells it. */
function clear(gauge: Gauge, name: string): void {
  gauge.reset()
  if (LAG_METRICS[name as keyof typeof LAG_METRICS].labels.length === 0) gauge.remove()
}
