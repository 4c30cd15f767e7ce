// deadline: 300 s
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { LagReport } from '../../consumers/lag/lag-report.ts'
import { privateFolderPlaces } from '../../infra/embedded/private-folder.ts'
import { startCommand } from './run-command.ts'

/** What a guard needs to end servers and remove their folder after their owner is gone. */
const CLEAN_UP_LIMIT_MS = 15_000

/** Programs and folders of a demonstration, which bear the number of its process. */
async function remains(pid: number): Promise<string[]> {
  const mark = `scission-${pid}-`
  const folders = await Promise.all(privateFolderPlaces.map(async (place) => await readdir(place).catch(() => [])))
  const lines = (await processes()).map(({ line }) => line)
  return [...folders.flat(), ...lines].filter((text) => text.includes(mark))
}

/** Ends the server's processes for the sessions of a database, as pg_terminate_backend does; those of this demonstration alone. */
async function endSessionsOf(pid: number, database: string): Promise<void> {
  const mark = `scission-${pid}-`
  const servers = (await processes()).filter(({ line }) => line.includes(mark))
  const sessions = (await processes()).filter(
    ({ line, parent }) =>
      servers.some(({ id }) => id === parent) && line.startsWith('postgres: ') && line.split(' ').includes(database),
  )
  assert.ok(sessions.length > 0, 'no session was found')
  for (const { id } of sessions) process.kill(id, 'SIGTERM')
}

interface RunningProcess {
  readonly id: number
  readonly parent: number
  readonly line: string
}

/** Manual: proc(5), /proc/pid/cmdline and /proc/pid/status. */
async function processes(): Promise<RunningProcess[]> {
  const ids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  return await Promise.all(
    ids.map(async (id) => {
      const line = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')
      const status = await readFile(`/proc/${id}/status`, 'utf8').catch(() => '')
      return { id: Number(id), parent: Number(/^PPid:\t(\d+)$/m.exec(status)?.[1]), line }
    }),
  )
}

async function assertNothingRemains(pid: number): Promise<void> {
  const deadline = Date.now() + CLEAN_UP_LIMIT_MS
  while ((await remains(pid)).length > 0 && Date.now() < deadline) await sleep(100)
  assert.equal(await remains(pid), [])
}

test('a demonstration ends in one line of JSON that proves every service', async () => {
  const demo = startCommand(['demo', '--elements', '300', '--seed', '7', '--json'])
  const { exitCode, stderr, stdout } = await demo.ended
  assert.is(exitCode, 0, stderr)
  const report: unknown = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
  assert.type(report, 'object')
  const { elements, rows, seconds, seed, services, verified } = report as Record<string, unknown>
  assert.equal([verified, elements, seed, typeof rows, typeof seconds], [true, 300, 7, 'number', 'number'])
  assert.ok(Array.isArray(services))
  assert.equal(
    services.map(({ service }: { service: string }) => service),
    [
      'iam',
      'modeling',
      'comments',
      'notifications',
      'workflow',
      'stereotypes',
      'connectors',
      'settings',
      'metamodel',
      'chat',
    ],
  )
  for (const service of services) {
    assert.equal(Object.keys(service), ['service', 'tables', 'rows', 'bytes', 'seconds', 'verified'])
    assert.ok(service.verified && service.rows > 0 && service.bytes > 0, service.service)
  }
  await assertNothingRemains(demo.pid)
})

test('without --json it ends in a table for a person; with --serve it goes on, with a page, until it is interrupted', async () => {
  const demo = startCommand(['demo', '--elements', '50', '--serve', '127.0.0.1:0'], { limitMs: 120_000 })
  await demo.waitFor('The split lives on')
  const url = /^The page is at (\S+)$/m.exec(demo.stderr())?.[1] ?? ''
  assert.match(await (await fetch(url)).text(), /<script type="module" src="page\.js">/)
  const isLive = async (): Promise<boolean> => {
    const { report } = (await (await fetch(`${url}report.json`)).json()) as { report: LagReport }
    return report.services.length === 10 && report.services.every(({ status }) => status === 'ok')
  }
  while (!(await isLive())) await sleep(200)
  // What befalls a consumer is told here too.
  await endSessionsOf(demo.pid, 'iam')
  await demo.waitFor('iam: The database of service iam is away')
  demo.kill('SIGINT')
  const { exitCode, stderr, stdout } = await demo.ended
  assert.is(exitCode, 130, stderr)
  assert.match(stdout, /^service +tables +rows +bytes +seconds\niam +7 +[\d,]+ +\d.* +equal\nmodeling +5 /)
  assert.match(
    stdout,
    /\n\nOne monolith of [\d,]+ rows became 10 databases, each proven equal, in [^.]+\.\d s,\s+while [\d,]+ transactions were written to it\.\n$/,
  )
  for (const step of [
    'servers',
    'monolith',
    'preflight',
    'prepare',
    'publish',
    'consume',
    'prove live',
    'replay',
    'catch up',
    'verify',
  ])
    assert.match(stderr, new RegExp(`^${step} .* s$`, 'm'))
  await assertNothingRemains(demo.pid)
})

for (const [moment, signal, code] of [
  [null, 'SIGINT', 130],
  ['servers', 'SIGINT', 130],
  ['monolith', 'SIGTERM', 143],
  ['prepare', 'SIGINT', 130],
] as const)
  test(`${signal} ${moment === null ? 'while the servers start' : `after the step ${moment}`} leaves nothing running`, async () => {
    const demo = startCommand(['demo', '--elements', '1000'])
    if (moment === null) while ((await remains(demo.pid)).length === 0) await sleep(20)
    else await demo.waitFor(`${moment} `)
    demo.kill(signal)
    const { exitCode, stdout } = await demo.ended
    assert.is(exitCode, code)
    assert.is(stdout, '')
    await assertNothingRemains(demo.pid)
  })

test('a second Ctrl-C ends at once, and the servers end by themselves', async () => {
  const demo = startCommand(['demo', '--elements', '20000'])
  await demo.waitFor('servers ')
  demo.kill('SIGINT')
  await demo.waitFor('Interrupted')
  await sleep(300)
  demo.kill('SIGINT')
  assert.is((await demo.ended).exitCode, 130)
  await assertNothingRemains(demo.pid)
})

test.run()
