import { bytesText, countText, rateText } from '../../infra/command-line/quantities.ts'
import { tableText } from '../../infra/command-line/tables.ts'
import type { Machine } from './machine.ts'
import { PEERS, type PeerName } from './peers.ts'
import type { Contender, Summary } from './summary.ts'

/** A table for people: the first column is a name, all others are figures. */
export interface Figures {
  readonly titles: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** What a person reads on a terminal. */
export function reportText(machine: Machine, summaries: readonly Summary[]): string {
  const parts = summaries.flatMap((summary) => [
    headline(summary),
    asText(speedFigures(summary)),
    asText(processFigures(summary)),
    remarks(summary).join('\n'),
  ])
  return [machineText(machine), ...parts].join('\n\n')
}

/** The same as Markdown, with a plot of the times. */
export function reportMarkdown(machine: Machine, summaries: readonly Summary[], date: Date): string {
  const parts = summaries.flatMap((summary) => [
    `### ${headline(summary)}`,
    asMarkdown(speedFigures(summary)),
    plot(summary),
    asMarkdown(processFigures(summary)),
    remarks(summary)
      .map((remark) => `- ${remark}`)
      .join('\n'),
  ])
  return [`Measured on ${date.toISOString().slice(0, 10)}: ${machineText(machine)}`, ...parts].join('\n\n')
}

/** Where results stand in a page. */
export interface ResultsPlace {
  readonly begin: string
  readonly end: string
  /** Ends the name of the JSON file beside the page. */
  readonly file: string
}

export const RESULTS: ResultsPlace = {
  begin: '<!-- results: filled by npm run bench -- --markdown docs/benchmarks.md -->',
  end: '<!-- end of results -->',
  file: '.json',
}

/** Puts results where a page has its place for them; where it has none, the results are the page. */
export function placeResults(page: string, results: string, place: ResultsPlace): string {
  const [begin, end] = [page.indexOf(place.begin), page.indexOf(place.end)]
  if (begin < 0 || end < begin) return `${results}\n`
  return `${page.slice(0, begin + place.begin.length)}\n\n${results}\n\n${page.slice(end)}`
}

export function machineText({
  processor,
  cores,
  memoryBytes,
  system,
  syncMs,
  startSeconds,
  versions,
}: Machine): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version ?? 'not installed'}`)
  const sync = `8 kB on disk in ${syncMs.toFixed(1)} ms, a command of ours started in ${startSeconds.toFixed(2)} s`
  return `${processor}, ${cores} cores, ${bytesText(memoryBytes)} of memory, ${system}, ${sync}; ${programs.join(', ')}.`
}

function headline({ title, rows, tables, databases, copyBytes }: Summary): string {
  const size = `${countText(rows)} rows, ${bytesText(copyBytes)} of COPY text`
  return `${title}: ${tables} ${tables === 1 ? 'table' : 'tables'}, ${size}, into ${databases} ${databases === 1 ? 'database' : 'databases'}`
}

function named(summary: Summary): { name: string; peer: PeerName | null; contender: Contender }[] {
  const { contenders } = summary
  const all = [
    { name: 'scission', peer: null, contender: contenders.scission },
    { name: "scission, broker's default sync", peer: null, contender: contenders.scissionDefaultSync },
    ...PEERS.map(({ name, title }) => ({ name: title, peer: name, contender: contenders[name] })),
  ]
  return all.flatMap(({ contender, ...others }) => (contender === null ? [] : [{ ...others, contender }]))
}

function speedFigures(summary: Summary): Figures {
  const { ratios, ratiosWithPrepare, ratiosDefaultSync, copyBytes } = summary
  const ratioCells = (peer: PeerName | null): string[] =>
    peer === null
      ? ['', '', '']
      : [ratioText(ratios[peer]), ratioText(ratiosWithPrepare[peer]), ratioText(ratiosDefaultSync[peer])]
  return {
    titles: [
      '',
      'runs',
      'seconds',
      'least to most',
      'rows/s',
      'bytes/s',
      'ours by theirs',
      'with prepare',
      'default sync',
    ],
    rows: named(summary).map(({ name, peer, contender }) => [
      name,
      String(contender.runs),
      contender.seconds.toFixed(2),
      `${contender.leastSeconds.toFixed(2)} to ${contender.mostSeconds.toFixed(2)}`,
      countText(contender.rowsPerSecond),
      rateText(copyBytes, contender.seconds),
      ...ratioCells(peer),
    ]),
  }
}

function processFigures(summary: Summary): Figures {
  return {
    titles: ['processes', 'CPU seconds', 'largest resident set'],
    rows: named(summary).flatMap(({ name, contender }) =>
      Object.entries(contender.cpuSeconds).map(([process, cpuSeconds]) => [
        `${name}: ${process}`,
        cpuSeconds.toFixed(2),
        bytesText(contender.peakBytes[process] ?? 0),
      ]),
    ),
  }
}

function remarks(summary: Summary): string[] {
  const { endedAfterSeconds, prepareSeconds, verify } = summary
  const { publisher, consumer } = endedAfterSeconds
  return [
    logRemark(summary),
    `The publisher had ended after ${secondsText(publisher)}, the consumer after ${secondsText(consumer)}.`,
    `prepare, before the clock: ${secondsText(prepareSeconds)}.`,
    `verify, after the clock: ${secondsText(verify.seconds)}; COPY of the same tables to a sink: ${secondsText(verify.sinkSeconds)}; ratio ${ratioText(verify.ratio)}.`,
  ]
}

function logRemark({ logBytes, logByCopyText, messageBytes, copyBytes }: Summary): string {
  const log =
    logBytes === null ? 'not measured' : `${bytesText(logBytes)}, ${ratioText(logByCopyText)} of the COPY text`
  const messages = messageBytes === null ? 'not measured' : bytesText(messageBytes)
  return `The log on disk: ${log} (${bytesText(copyBytes)}); its messages before compression: ${messages}.`
}

function secondsText(seconds: number | null): string {
  return seconds === null ? 'a time that was not measured' : `${seconds.toFixed(2)} s`
}

export function ratioText(ratio: number | null): string {
  return ratio === null ? 'none' : ratio.toFixed(2)
}

export function asText({ titles, rows }: Figures): string {
  return tableText(
    titles.map((title, column) => ({ title, align: column === 0 ? 'left' : 'right' })),
    rows,
  )
}

export function asMarkdown({ titles, rows }: Figures): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(titles), line(titles.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

/** Mermaid draws it; quotes would end a label. */
function plot(summary: Summary): string {
  const bars = named(summary)
  return [
    '```mermaid',
    'xychart-beta horizontal',
    '  title "Seconds, median"',
    `  x-axis [${bars.map(({ name }) => `"${name.replaceAll('"', '')}"`).join(', ')}]`,
    '  y-axis "seconds" 0 --> ' + Math.ceil(Math.max(...bars.map(({ contender }) => contender.seconds))),
    `  bar [${bars.map(({ contender }) => contender.seconds.toFixed(2)).join(', ')}]`,
    '```',
  ].join('\n')
}
