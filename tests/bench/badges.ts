import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { makeBadge } from 'badge-maker'
import { bytesText } from '../../infra/command-line/quantities.ts'
import { projectFolder } from '../../infra/embedded/project-folder.ts'
import type { MatrixResult } from '../matrix/matrix-page.ts'
import type { Summary } from './summary.ts'

/** What the benchmark and the matrix last measured, as they recorded it. */
export interface Recorded {
  /** The first scenario of the benchmark. */
  readonly benchmark: Pick<Summary, 'ratios' | 'rss' | 'logByCopyText'>
  readonly matrix: readonly MatrixResult[]
}

export const BADGES_FOLDER = `${projectFolder}/docs/badges`
export const BENCHMARK_FILE = `${projectFolder}/docs/benchmarks.json`
export const MATRIX_FILE = `${projectFolder}/docs/matrix.json`

/** Faster than the peer, or within what was aimed at; neither; not measured. */
const [GOOD, FAIR, UNKNOWN] = ['#2e7d32', '#8a6d00', '#757575']
const NEUTRAL = '#30638e'

export async function readRecorded(): Promise<Recorded> {
  const read = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'))
  // Both files are written by this project's own commands; without a matrix there are no badges of versions.
  const [benchmark, matrix] = await Promise.all([
    read(BENCHMARK_FILE),
    existsSync(MATRIX_FILE) ? read(MATRIX_FILE) : [],
  ])
  return { benchmark: benchmark as Recorded['benchmark'], matrix: matrix as Recorded['matrix'] }
}

/** The README's badges, by the names of their files: facts alone, each from what was measured. */
export function badgesOf({ benchmark, matrix }: Recorded): Record<string, string> {
  const passed = matrix.filter((result) => result.failed === 0 && result.passed > 0)
  const versions = (program: 'postgres' | 'nats', parts: number): string =>
    [...new Set(passed.map((result) => result[program].split('.').slice(0, parts).join('.')))].join(', ') || 'none'
  const { ratios, rss, logByCopyText } = benchmark
  const badge = (label: string, message: string, color = NEUTRAL): string => makeBadge({ label, message, color })
  return {
    ...(matrix.length > 0 && {
      'postgresql.svg': badge('PostgreSQL', versions('postgres', 1)),
      'nats.svg': badge('nats-server', versions('nats', 2)),
    }),
    'dump-restore.svg': badge('pg_dump, pg_restore', ...timesText(ratios.dumpRestore)),
    'pgcopydb.svg': badge('pgcopydb', ...timesText(ratios.pgcopydb)),
    'memory.svg': badge('memory', memoryText(rss)),
    'log.svg': badge('log', logByCopyText === null ? 'not measured' : `${logByCopyText.toFixed(2)} × COPY text`),
  }
}

function timesText(ratio: number | null): [message: string, color: string] {
  if (ratio === null) return ['not measured', UNKNOWN]
  return [`${ratio.toFixed(2)} × its time`, ratio < 1 ? GOOD : FAIR]
}

function memoryText({ publisher, consumer }: Summary['rss']): string {
  if (publisher === null || consumer === null) return 'not measured'
  return `publisher ${bytesText(publisher)}, consumer ${bytesText(consumer)}`
}
