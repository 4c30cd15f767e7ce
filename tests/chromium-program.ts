import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, constants, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { complaintsOf } from '../infra/embedded/debian-package.ts'
import { timeIsUp, within } from '../infra/embedded/deadline.ts'

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** The runner of the tests hands on by this name why there is none. */
export const CHROMIUM_FAULT_VARIABLE = 'SCISSION_TEST_CHROMIUM_FAULT'

/** What a person can do. */
export const WAY_OUT = 'install the package chromium, or Google Chrome.'

/** A slow mirror takes a minute for 100 MB, and another installation may hold apt's lock before. */
const INSTALL_LIMIT_MS = 360_000

/** The system's Chromium; null where there is none. */
export async function findChromium(): Promise<string | null> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter))
    for (const program of PROGRAMS)
      if (await isThere(join(folder, program), constants.X_OK)) return join(folder, program)
  return null
}

async function isThere(file: string, mode?: number): Promise<boolean> {
  return await access(file, mode).then(
    () => true,
    () => false,
  )
}

/**
 * Installs Chromium where there is none and it can be done: on Debian, by root.
 * @returns why there is none, as the end of a sentence; null where there is one.
 */
export async function provideChromium(signal: AbortSignal): Promise<string | null> {
  if ((await findChromium()) !== null) return null
  if (process.getuid?.() !== 0 || !(await isThere('/etc/debian_version'))) return WAY_OUT
  const fault = await install(signal)
  if (fault !== null) return `it could not be installed (${fault}): ${WAY_OUT}`
  return (await findChromium()) === null ? WAY_OUT : null
}

/**
 * Several may come here at once: one installs, and the others find it done. The lists of packages may be older than the mirror,
 * or not be there at all.
 */
const INSTALL = `command -v chromium || {
  install() { apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends chromium; }
  install || { apt-get update && install; }
}`

/**
 * A dpkg that is killed in its midst leaves a system that installs nothing more. So it is in a session of its own, its words go
 * to a file and not into a pipe of ours, and whoever does not wait for it any more lets it come to its end.
 */
async function install(signal: AbortSignal): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'scission-chromium-'))
  const words = await open(join(folder, 'words'), 'w')
  const child = spawn('flock', [join(tmpdir(), 'scission-chromium.lock'), 'sh', '-c', INSTALL], {
    detached: true,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
    stdio: ['ignore', words.fd, words.fd],
  })
  child.unref()
  const ended = once(child, 'exit', { signal }).then(
    ([status]: unknown[]) => (status === 0 ? null : `status ${String(status)}`),
    (error: unknown) => (signal.aborted ? 'the run was interrupted' : String(error)),
  )
  const inTime = await within(INSTALL_LIMIT_MS, ended)
  const said = complaintsOf(await readFile(join(folder, 'words'), 'utf8'))
  await words.close()
  await rm(folder, { recursive: true })
  if (inTime === null) return null
  const fault = inTime === timeIsUp ? `apt-get has not ended in ${INSTALL_LIMIT_MS / 1_000} s` : inTime
  return said === '' ? fault : `${fault}; ${said}`
}
