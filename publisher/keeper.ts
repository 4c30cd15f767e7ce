import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { extname } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { lsnText } from '../contracts/positions.ts'
import { CRASH_POINT_VARIABLE } from '../infra/crash-point.ts'
import { untilAborted } from '../infra/nats/outage.ts'
import { endKeepers } from '../infra/postgres/keeper-sessions.ts'
import { withSession } from '../infra/postgres/session.ts'
import { KEPT, type KeeperOrder } from './keeper-order.ts'
import { type HeldSnapshot, readKeeperRecord } from './keeper-record.ts'
import type { Run } from './run.ts'
import { importSnapshot, type SnapshotSource } from './snapshot-source.ts'

/** A keeper that was started and waits for a snapshot to hold. */
export interface StartedKeeper {
  /** Hands it the snapshot; returns when it holds it too, or has said why it cannot. */
  keep(held: HeldSnapshot): Promise<void>
  /** Ends it, where it has nothing to hold. */
  dismiss(): void
}

type KeeperChild = ChildProcessByStdio<Writable, Readable, null>

/** How long a keeper waits for another publisher: an operator's time to see what happened, and to run it again. */
const LEAVE_AFTER_MS = 15 * 60 * 1000

/** A process starts and opens two sessions in a second; on a busy machine in several. */
const READY_LIMIT_MS = 30_000

const END_LIMIT_MS = 10_000

/**
 * Starts a keeper, early, since a process takes its time. It is in a session of its own: neither a terminal's Ctrl-C nor
 * whatever kills this process reaches it. What it is told goes by its standard input, since everybody reads command lines.
 */
export function startKeeper(run: Run): StartedKeeper {
  const child = spawnKeeper()
  const failed = new Promise<string>((resolve) => child.once('error', (error) => resolve(error.message)))
  const answered = answerOf(child)
  // Its input may be closed when we write: what it answered tells why.
  child.stdin.on('error', () => undefined)
  return {
    keep: async (held) => {
      child.stdin.end(JSON.stringify(orderOf(run, held)))
      const late = delay(READY_LIMIT_MS, `it did not answer in ${READY_LIMIT_MS / 1000} s`, { ref: false })
      let answer: string | null = null
      try {
        answer = await untilAborted(run.signal, Promise.race([answered, failed, late]))
      } finally {
        child.stdout.destroy()
        // One that comes too late would hold a snapshot that nobody asks for.
        if (answer !== KEPT) child.kill()
      }
      if (answer !== KEPT) run.report({ type: 'notice', text: missingText(answer), isFault: true })
    },
    dismiss: () => void child.stdin.end(),
  }
}

function spawnKeeper(): KeeperChild {
  const { [CRASH_POINT_VARIABLE]: _point, ...environment } = process.env
  // `.ts` here, `.js` in the compiled package.
  const extension = extname(import.meta.url)
  const program = fileURLToPath(new URL(`keeper-process${extension}`, import.meta.url))
  const loader = extension === '.ts' ? ownLoader(process.execArgv) : []
  const child = spawn(process.execPath, [...loader, program], {
    detached: true,
    cwd: '/',
    env: environment,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  child.unref()
  return child
}

/**
 * As this process itself was told to read TypeScript, by the first module that it was to load: whoever has compiled it need
 * not do so again for the keeper.
 * @param flags Node's own, of this process.
 */
export function ownLoader(flags: readonly string[]): string[] {
  const at = flags.indexOf('--import')
  const name = (at === -1 ? undefined : flags[at + 1]) ?? 'tsx'
  // A package's name would be looked for from the keeper's folder.
  return ['--import', name.startsWith('file:') ? name : import.meta.resolve(name)]
}

/** What it says when it holds the snapshot, or all that it said when it ended. */
async function answerOf({ stdout }: KeeperChild): Promise<string> {
  let said = ''
  return await new Promise((resolve) => {
    stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said === KEPT) resolve(KEPT)
    })
    stdout.on('close', () => resolve(said === '' ? 'it ended without a word' : said))
  })
}

function orderOf({ dependencies, options }: Run, held: HeldSnapshot): KeeperOrder {
  const { monolith, prefix } = dependencies
  const snapshot = { ...held, consistencyPoint: lsnText(held.consistencyPoint) }
  return { monolith, prefix, snapshot, leaveAfterMs: options.timing?.keeperLeaveMs ?? LEAVE_AFTER_MS }
}

function missingText(why: string): string {
  return `No keeper holds the snapshot beside publish (${why.replace(/\.$/, '')}): should publish be killed, the next run takes a new snapshot and reads what is not finished anew.`
}

/**
 * The snapshot that a keeper holds for this log and epoch, imported; null where none does. A keeper that holds another one
 * holds back VACUUM for nothing, and is ended.
 */
export async function findKept(
  run: Run,
  { log, epoch }: Pick<HeldSnapshot, 'log' | 'epoch'>,
): Promise<SnapshotSource | null> {
  const { control, dependencies } = run
  const record = await readKeeperRecord(control, dependencies.prefix)
  const isOurs = record !== null && record.log === log && record.epoch === epoch
  const source = isOurs ? await importSnapshot(run, record) : null
  await endKeepers(control, dependencies.prefix, source === null ? null : (record?.pid ?? null))
  return source
}

/**
 * Ends all keepers of the prefix, by a session of its own: that of the run may be broken off.
 * @throws where the monolith does not do so within ten seconds, for which whoever ends need not wait.
 */
export async function endAllKeepers({ dependencies: { monolith, prefix } }: Pick<Run, 'dependencies'>): Promise<void> {
  const signal = AbortSignal.timeout(END_LIMIT_MS)
  await withSession(monolith, { purpose: 'publish end', signal }, async (client) => await endKeepers(client, prefix))
}
