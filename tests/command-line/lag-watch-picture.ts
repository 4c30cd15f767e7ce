import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import picocolors from 'picocolors'
import { createLagHistory, type LagHistory } from '../../consumers/lag/lag-history.ts'
import type { LagReport } from '../../consumers/lag/lag-report.ts'
import type { ServiceLag } from '../../consumers/lag/service-lag.ts'
import { frameOf } from '../../infra/command-line/full-screen.ts'
import { FIRST_CONTROLS } from '../../infra/command-line/watch-keys.ts'
import { watchScreen } from '../../infra/command-line/watch-screen.ts'
import { exact, lagOf, loadingOf } from '../consumers/lag/lag-of.ts'
import { terminalPicture } from './terminal-picture.ts'

/** The picture of `lag --watch` in the documentation. */
export const LAG_WATCH_PICTURE = fileURLToPath(new URL('../../docs/images/lag-watch.svg', import.meta.url))

const [COLUMNS, ROWS] = [110, 19]
const NOW_MS = Date.parse('2026-03-01T09:41:07Z')

const SERVICES: readonly (readonly [service: string, rows: number])[] = [
  ['iam', 3_158],
  ['modeling', 455_280],
  ['comments', 45_000],
  ['notifications', 37_500],
  ['workflow', 1_500],
  ['stereotypes', 60_450],
  ['connectors', 30],
  ['settings', 53],
  ['metamodel', 970],
  ['chat', 15_000],
]

const ABOUT: Readonly<Record<string, Partial<ServiceLag>>> = {
  modeling: {
    phase: 'loading',
    position: null,
    loading: loadingOf({ rows: 313_900, expectedRows: 455_280, rowsPerSecond: 21_400, secondsLeft: 7 }),
  },
  chat: { status: 'stop', isConsumed: false },
}

/** Draws it anew: `node --import tsx tests/command-line/lag-watch-picture.ts` writes it where the documentation has it. */
export async function lagWatchPicture(): Promise<string> {
  const history = createLagHistory()
  let drawn: LagHistory | null = null
  let report: LagReport = { monolith: null, services: [], problems: [] }
  for (let second = 60; second >= 0; second -= 1) {
    report = reportAt(second)
    drawn = history.after(report, NOW_MS - second * 1_000)
  }
  if (drawn === null) throw new Error('Nothing was looked at')
  const lines = watchScreen(
    {
      contractSet: 'archimodeler',
      prefix: 'archimodeler',
      services: SERVICES.map(([service]) => service),
      look: { atMs: NOW_MS, tookMs: 140, report, history: drawn },
      lookedAtMs: NOW_MS,
      nowMs: NOW_MS,
      controls: { ...FIRST_CONTROLS, selected: 1 },
    },
    { columns: COLUMNS, rows: ROWS, colours: picocolors.createColors(true), isUnicode: true },
  )
  return await terminalPicture(frameOf(lines, COLUMNS), { columns: COLUMNS, rows: ROWS, title: 'scission lag --watch' })
}

function reportAt(secondsBefore: number): LagReport {
  const retainedBytes = 96_000_000 - secondsBefore * 400_000
  return {
    monolith: {
      position: '0/398A8C88',
      lag: exact(0.2),
      nowMs: NOW_MS,
      slot: {
        name: 'scission_archimodeler',
        isFollowed: true,
        confirmed: '0/398A8B08',
        behindBytes: 384,
        retainedBytes,
        safeBytes: 8_192_000_000 - retainedBytes,
        walStatus: 'reserved',
      },
    },
    services: SERVICES.map(([service, rows], index) => {
      const seconds = appliedAt(service, index, secondsBefore)
      const messages = Math.round(seconds * (service === 'chat' ? 11 : 6))
      return lagOf(service, {
        messages,
        bytes: messages * 2_400,
        messagesPerSecond: service === 'chat' ? 0 : 9 + ((index * 5) % 17),
        secondsLeft: service === 'chat' ? null : Math.ceil(seconds),
        hops: {
          toLog: exact(0.2),
          toConsumer: exact(Math.max(0.2, seconds / 2)),
          toDatabase: exact(Math.max(0.2, seconds)),
        },
        loading: loadingOf({ rows, expectedRows: rows }),
        ...ABOUT[service],
        ...(service === 'chat' ? { lastError: { text: CHAT_SAID, secondsAgo: 41 } } : {}),
      })
    }),
    problems: [],
  }
}

const CHAT_SAID =
  'The connection to the database of service chat was lost (the connection was closed): see that the server runs.'

/** A consumer that died 41 seconds ago, one that loads, and some that had something to do. */
function appliedAt(service: string, index: number, secondsBefore: number): number {
  if (service === 'chat') return Math.max(0.2, 41.6 - secondsBefore)
  if (service === 'modeling') return Math.min(38, 60 - secondsBefore * 0.9)
  const wave = Math.sin((60 - secondsBefore) / (3 + (index % 4)) + index)
  return Math.max(0, wave * (0.3 + (index % 3) * 0.5))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(LAG_WATCH_PICTURE, await lagWatchPicture())
