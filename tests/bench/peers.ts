import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Bench } from './bench.ts'
import { assertSameShape, readShape } from './copy-shape.ts'
import type { Usage } from './process-watch.ts'
import { databaseUrl, dropDatabases, makeAnew, SOURCE_DATABASE, splitPassword } from './servers.ts'
import { present, timedRun } from './timed-run.ts'

export type PeerName = 'pgcopydb' | 'dumpRestore' | 'copy'

/** What people move a database with today: as a script that copies $SOURCE to $TARGET, with $WORK for its files. */
export interface Peer {
  readonly name: PeerName
  readonly title: string
  readonly programs: readonly string[]
  readonly script: string
}

export const PEERS: readonly Peer[] = [
  {
    name: 'pgcopydb',
    title: 'pgcopydb clone',
    programs: ['pgcopydb', 'pg_dump', 'pg_restore'],
    script: `pgcopydb clone --source "$SOURCE" --target "$TARGET" --table-jobs 2 --index-jobs 2 --dir "$WORK/pgcopydb"`,
  },
  {
    name: 'dumpRestore',
    title: 'pg_dump -Fc, pg_restore -j 2',
    programs: ['pg_dump', 'pg_restore'],
    script: `
      pg_dump -Fc -f "$WORK/dump" "$SOURCE"
      pg_restore -j 2 --exit-on-error -d "$TARGET" "$WORK/dump"
    `,
  },
  {
    name: 'copy',
    title: 'psql COPY | COPY, then keys and indexes',
    programs: ['psql', 'pg_dump'],
    script: `
      pg_dump --section=pre-data "$SOURCE" | psql -qX -o /dev/null -v ON_ERROR_STOP=1 "$TARGET"
      while IFS= read -r table; do
        psql -qX -c "COPY \\"$table\\" TO STDOUT" "$SOURCE" </dev/null | psql -qX -c "COPY \\"$table\\" FROM STDIN" "$TARGET"
      done <<<"$TABLES"
      pg_dump --section=post-data "$SOURCE" | psql -qX -o /dev/null -v ON_ERROR_STOP=1 "$TARGET"
    `,
  },
]

const TARGET_DATABASE = 'target'

export interface PeerRun {
  readonly seconds: number
  readonly usage: Readonly<Record<string, Usage>>
}

/** Copies the source once, into a new database. */
export async function runPeer(bench: Bench, peer: Peer): Promise<PeerRun> {
  const { postgres, postmaster, scenario, shape, signal } = bench
  await makeAnew(postgres, [TARGET_DATABASE])
  const work = await mkdtemp(join(tmpdir(), 'scission-bench-'))
  const target = databaseUrl(postgres, TARGET_DATABASE)
  try {
    const program = { name: peer.name, program: 'bash', args: ['-euo', 'pipefail', '-c', peer.script] }
    const environment = environmentOf(bench, target, work)
    const { seconds, usage } = await timedRun([{ ...program, environment }], present({ postgres: postmaster }), signal)
    assertSameShape(peer.title, shape, await readShape([target], scenario.set))
    await dropDatabases(postgres, [TARGET_DATABASE])
    return { seconds, usage }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function environmentOf({ postgres, scenario }: Bench, target: string, work: string): Record<string, string> {
  const source = splitPassword(databaseUrl(postgres, SOURCE_DATABASE))
  return {
    SOURCE: source.href,
    TARGET: splitPassword(target).href,
    PGPASSWORD: source.password,
    TABLES: scenario.set.services.flatMap(({ entities }) => entities.map(({ table }) => table)).join('\n'),
    WORK: work,
  }
}

/** The version of a peer's first program; null where one of its programs is not installed. */
export async function versionOfPeer({ programs }: Peer): Promise<string | null> {
  const versions = await Promise.all(programs.map(versionOf))
  return versions.includes(null) ? null : (versions[0] ?? null)
}

async function versionOf(program: string): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)(program, ['--version'])
    return /\d+\.[\d.]+\S*/.exec(stdout)?.[0] ?? stdout.trim()
  } catch {
    return null
  }
}
