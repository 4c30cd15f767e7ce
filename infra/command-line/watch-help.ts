import { cellOf, type Line, span, wrapSentence } from './terminal-line.ts'

type Entry = readonly [term: string, meaning: string]

const KEYS: readonly Entry[] = [
  ['up, down', 'select a service; PageUp, PageDown, Home and End too'],
  ['Enter', 'all about the selected service; left and right lead to the one before and after it'],
  ['Esc', 'back to the services'],
  ['p, Space', 'hold the screen still, and let it go on'],
  ['h, ?', 'this help'],
  ['q', 'quit; Ctrl-C too'],
]

const STATUSES: readonly Entry[] = [
  ['ok', 'a consumer works, or has nothing to do'],
  ['warning', 'it works, and falls behind: see what it waits for; give its database more resources'],
  ['stall', 'it is there, and nothing moves: see what it says; it may wait for a lock, or hang'],
  [
    'stop',
    'nobody consumes it: run consume, and see why the last one ended; run parked list where it stopped at a transaction',
  ],
  ['parked', 'it works without changes that were set aside: run parked list'],
  ['unknown', 'its database or the broker tells nothing; the reason is below the table'],
]

const COLUMNS: readonly Entry[] = [
  ['phase', 'waiting for its snapshot, loading, indexing, following; or stalled, stopped, parked'],
  ['loaded', 'how much of the snapshot its database holds'],
  ['rows', 'rows that it loaded of those in the snapshot; about so many where the monolith estimates them'],
  ['rate', 'rows it loads in a second, and afterwards messages that it applies'],
  ['left', 'until it is loaded, or level with the log, at this rate'],
  ['behind', 'messages of the log that it has not applied, and their bytes'],
  ['position', 'the last transaction of the monolith that it holds'],
  ['to log', 'how long ago the oldest change was committed that is not in the log'],
  ['read', 'the same for what its consumer has not read'],
  ['applied', 'the same for what its database does not hold; ? where nothing tells it'],
  ['lag, 1 min', 'the same over the last minute; flat below one second'],
]

const TERM_WIDTH = 12

/** What is on the screen, and what to do about it. */
export function helpLines(columns: number): Line[] {
  return [
    ...section('Keys', KEYS, columns),
    [],
    ...section('Statuses, and what to do', STATUSES, columns),
    [],
    ...section('Columns', COLUMNS, columns),
  ]
}

function section(title: string, entries: readonly Entry[], columns: number): Line[] {
  return [[span(title, 'strong')], ...entries.flatMap((entry) => entryLines(entry, columns))]
}

function entryLines([term, meaning]: Entry, columns: number): Line[] {
  const isNarrow = columns < TERM_WIDTH * 3
  const width = isNarrow ? 2 : TERM_WIDTH
  const lines = wrapSentence(meaning, columns - width).map((line, index): Line => [
    cellOf(span(index === 0 && !isNarrow ? term : '', 'busy'), width, 'left'),
    span(line),
  ])
  return isNarrow ? [[span(term, 'busy')], ...lines] : lines
}
