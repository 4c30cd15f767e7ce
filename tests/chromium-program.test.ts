import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { findChromium, provideChromium, WAY_OUT } from './chromium-program.ts'

const canInstall = process.getuid?.() === 0 && existsSync('/etc/debian_version')

/** What is asked for with nothing on the path but a shell and this `apt-get`. */
async function providedBy(aptGet: string, signal: AbortSignal): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'scission-apt-'))
  const path = process.env['PATH']
  try {
    await mkdir(join(folder, 'bin'))
    for (const program of ['sh', 'flock', 'sleep', 'touch', 'chmod'])
      await symlink(join('/usr/bin', program), join(folder, 'bin', program))
    await writeFile(join(folder, 'bin/apt-get'), `#!/bin/sh\ncd ${folder}/bin\n${aptGet}`)
    await chmod(join(folder, 'bin/apt-get'), 0o755)
    process.env['PATH'] = join(folder, 'bin')
    assert.is(await findChromium(), null)
    return await provideChromium(signal)
  } finally {
    process.env['PATH'] = path
    await rm(folder, { recursive: true })
  }
}

async function untilThere(file: string): Promise<void> {
  for (const sinceMs = Date.now(); !existsSync(file); await delay(50))
    if (Date.now() - sinceMs > 60_000) throw new Error(`${file} was never made`)
}

const { signal: never } = new AbortController()

test('where Chromium cannot be installed the last words of apt say why', async () => {
  const fault = await providedBy('echo "W: first"; echo "E: no space left" >&2; exit 100', never)
  if (!canInstall) return assert.is(fault, WAY_OUT)
  assert.is(fault, `it could not be installed (status 100; W: first E: no space left): ${WAY_OUT}`)
})

test('where the lists of packages are not there they are fetched first', async () => {
  const apt = 'case "$1" in update) touch lists;; *) [ -f lists ] && touch chromium && chmod +x chromium;; esac'
  assert.is(await providedBy(apt, never), canInstall ? null : WAY_OUT)
})

test('whoever is interrupted does not wait for the installation, which comes to its end all the same', async () => {
  if (!canInstall) return
  const folder = await mkdtemp(join(tmpdir(), 'scission-apt-end-'))
  const [begun, done] = [join(folder, 'begun'), join(folder, 'done')]
  const interruption = new AbortController()
  const provided = providedBy(`touch ${begun}; sleep 1; echo installed; /usr/bin/touch ${done}`, interruption.signal)
  await untilThere(begun)
  interruption.abort()
  assert.is(await provided, `it could not be installed (the run was interrupted): ${WAY_OUT}`)
  await untilThere(done)
  await rm(folder, { recursive: true })
})

test.run()
