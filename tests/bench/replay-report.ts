import { bytesText } from '../../infra/command-line/quantities.ts'
import type { Machine } from './machine.ts'
import type { Rebuilding, ReplaySummary } from './replay-summary.ts'
import { asMarkdown, asText, type Figures, machineText, ratioText, type ResultsPlace } from './report.ts'

export const REPLAY_RESULTS: ResultsPlace = {
  begin: '<!-- replays: filled by npm run bench -- --replay --markdown docs/benchmarks.md -->',
  end: '<!-- end of replays -->',
  file: '.replay.json',
}

/** What a person reads of replays on a terminal. */
export function replayText(machine: Machine, summaries: readonly ReplaySummary[]): string {
  const parts = summaries.flatMap((summary) => [
    headline(summary),
    asText(figures(summary)),
    asText(stepFigures(summary)),
  ])
  return [machineText(machine), ...parts].join('\n\n')
}

/** The same as Markdown. */
export function replayMarkdown(machine: Machine, summaries: readonly ReplaySummary[], date: Date): string {
  const parts = summaries.flatMap((summary) => [
    `### ${headline(summary)}`,
    asMarkdown(figures(summary)),
    asMarkdown(stepFigures(summary)),
  ])
  return [`Measured on ${date.toISOString().slice(0, 10)}: ${machineText(machine)}`, ...parts].join('\n\n')
}

function headline({ service, tables, title }: ReplaySummary): string {
  return `Service ${service} of ${title}: ${tables} ${tables === 1 ? 'table' : 'tables'}`
}

function figures({ into, jobs, pairs, restore, swapped }: ReplaySummary): Figures {
  const row = (name: string, time: ReplaySummary['restore'], own: Rebuilding | null): string[] => [
    name,
    String(pairs),
    time.seconds.toFixed(2),
    `${time.leastSeconds.toFixed(2)} to ${time.mostSeconds.toFixed(2)}`,
    own === null ? '' : ratioText(own.ratio),
    own === null ? '' : ratioText(own.loadingRatio),
    Object.entries(time.cpuSeconds)
      .map(([process, seconds]) => `${process} ${seconds.toFixed(1)}`)
      .join(', '),
    own === null || own.peakBytes === null ? '' : bytesText(own.peakBytes),
  ]
  return {
    titles: [
      '',
      'runs',
      'seconds',
      'least to most',
      'ours by theirs',
      'loading and building',
      'CPU seconds',
      'largest resident set',
    ],
    rows: [
      row(`replay --loaders ${jobs}, swapped in`, swapped, swapped),
      row(`replay --loaders ${jobs} --into`, into, into),
      row(`pg_restore -j ${jobs}`, restore, null),
    ],
  }
}

function stepFigures({ into, swapped }: ReplaySummary): Figures {
  const names = [...new Set([...Object.keys(swapped.steps), ...Object.keys(into.steps)])]
  const seconds = ({ steps }: Rebuilding, name: string): string => steps[name]?.toFixed(2) ?? ''
  return {
    titles: ['step, seconds', 'swapped in', '--into'],
    rows: names.map((name) => [name, seconds(swapped, name), seconds(into, name)]),
  }
}
