import { readFile } from 'node:fs/promises'
import { parser } from '@prometheus-io/lezer-promql'
import { parse } from 'yaml'

/** A metric that an expression reads, with the labels that it asks for. */
export interface Selector {
  readonly metric: string
  readonly matchers: readonly { readonly label: string; readonly value: string; readonly isExact: boolean }[]
}

const ROOT = new URL('../../../../', import.meta.url)
const readText = async (path: string): Promise<string> => await readFile(new URL(path, ROOT), 'utf8')

/** @throws Error where it is no PromQL. */
export function selectorsOf(expression: string): Selector[] {
  // Grafana puts a duration in its place.
  const text = expression.replaceAll('$__rate_interval', '1m')
  const selectors: Selector[] = []
  parser.parse(text).iterate({
    enter: ({ from, name, node, to, type }) => {
      if (type.isError) throw new Error(`This is no PromQL at ${from}: ${expression}`)
      if (name !== 'VectorSelector') return
      const metric = node.getChild('Identifier')
      const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []
      const textOf = (part: { readonly from: number; readonly to: number } | null | undefined): string =>
        part == null ? '' : text.slice(part.from, part.to)
      if (metric === null) throw new Error(`No metric is named: ${text.slice(from, to)}`)
      selectors.push({
        metric: textOf(metric),
        matchers: matchers.map((matcher) => ({
          label: textOf(matcher.getChild('LabelName')),
          value: textOf(matcher.getChild('StringLiteral')).slice(1, -1),
          isExact: matcher.getChild('MatchOp')?.getChild('EqlSingle') != null,
        })),
      })
    },
  })
  if (selectors.length === 0) throw new Error(`This reads no metric: ${expression}`)
  return selectors
}

/** Labels that an expression joins by, or groups by, or that a legend or a text names. */
export function labelsIn(text: string): string[] {
  const grouped = [...text.matchAll(/\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g)].flatMap(([, names = '']) =>
    names.split(','),
  )
  const shown = [...text.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g)].map(([, name = '']) => name)
  return [...grouped, ...shown].map((name) => name.trim()).filter((name) => name !== '')
}

interface Panel {
  readonly title: string
  readonly type: string
  readonly targets?: readonly Target[]
  readonly fieldConfig?: { readonly defaults: { readonly noValue?: string } }
}

interface Target {
  readonly expr: string
  readonly legendFormat?: string
  readonly instant?: boolean
  readonly range?: boolean
}

export interface Dashboard {
  readonly panels: readonly Panel[]
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[]
  }
}

export async function readDashboard(): Promise<Dashboard> {
  return JSON.parse(await readText('infra/monitoring/grafana-dashboard.json')) as Dashboard
}

export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export async function readAlertRules(): Promise<AlertRule[]> {
  const { groups } = parse(await readText('infra/monitoring/alert-rules.yaml')) as {
    readonly groups: readonly { readonly rules: readonly AlertRule[] }[]
  }
  return groups.flatMap(({ rules }) => rules)
}

/** The rows of docs/metrics.md: a metric's name, its type and its labels. */
export async function readMetricsTable(): Promise<
  { readonly name: string; readonly type: string; readonly labels: string[] }[]
> {
  const page = await readText('docs/metrics.md')
  return page.split('\n').flatMap((line) => {
    const [, name = '', type = '', labels = ''] = line.split('|').map((cell) => cell.trim())
    if (!/^`(scission|process)_\w+`$/.test(name)) return []
    return [{ name: name.slice(1, -1), type, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label) }]
  })
}

export interface Scrape {
  /** Types by names, of all that may be told. */
  readonly types: ReadonlyMap<string, string>
  readonly samples: readonly {
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    readonly value: number
  }[]
}

/** Prometheus' text format. https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function parseScrape(text: string): Scrape {
  const types = new Map<string, string>()
  const samples: Scrape['samples'][number][] = []
  for (const line of text.split('\n')) {
    const [, name = '', type = ''] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
    if (name !== '') types.set(name, type)
    const [, metric = '', labels = '', value = ''] = /^([a-z_]\w*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (metric === '') continue
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', of = '']) => [label, of])
    samples.push({ name: metric, labels: Object.fromEntries(pairs), value: Number(value) })
  }
  return { types, samples }
}
