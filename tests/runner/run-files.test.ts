import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scissionFolder } from '../../infra/embedded/project-folder.ts'
import { runProgram } from '../../infra/embedded/run-program.ts'
import { reportOf, runFiles, type JudgedFile } from './run-files.ts'

const uvu = `import { test } from 'uvu'\nimport { spawn } from 'node:child_process'\nimport { writeFileSync } from 'node:fs'\n`

/** A file of tests with this source, for as long as `use` takes. It lies in the project, so that it finds uvu. */
async function withTestFile<Result>(source: string, use: (path: string) => Promise<Result>): Promise<Result> {
  await mkdir(scissionFolder, { recursive: true })
  const folder = await mkdtemp(`${scissionFolder}/test-file-`)
  try {
    const path = `${folder}/example.test.ts`
    await writeFile(path, `${uvu}${source}`)
    return await use(path)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function run(source: string, deadlineMs = 20_000, environment: Record<string, string> = {}): Promise<JudgedFile> {
  const told: JudgedFile[] = []
  const { signal } = new AbortController()
  await withTestFile(source, (path) =>
    runFiles([{ path, deadlineMs, byTsx: true }], 1, environment, signal, (judged) => told.push(judged)),
  )
  const [judged] = told
  assert.ok(judged && told.length === 1)
  return judged
}

async function faultOf(source: string, deadlineMs?: number): Promise<string> {
  const { verdict } = await run(source, deadlineMs)
  assert.is(verdict.failed, 1)
  return verdict.fault ?? ''
}

test('a file that passes is counted, and gets the environment that the servers are named in', async () => {
  const judged = await run(`test('a', () => { if (process.env.SERVER !== 'x') throw 1 }); test.run()`, 20_000, {
    SERVER: 'x',
  })
  assert.equal(judged.verdict, { passed: 1, failed: 0, skipped: 0 })
  assert.match(reportOf(judged), /^ok {3}.*example\.test\.ts \(1 passed, 0 failed, [0-9.]+ s\)\n$/)
})

test('a file that fails is shown with all that it printed', async () => {
  const judged = await run(`console.error('a hint'); test('a', () => { throw new Error('the reason') }); test.run()`)
  assert.is(judged.verdict.failed, 1)
  for (const part of ['FAIL', 'a hint', 'the reason']) assert.match(reportOf(judged), part)
})

test('a hook that throws, which uvu itself takes for success, is a failure', async () => {
  const { verdict } = await run(`test.before(() => { throw 1 }); test('a', () => {}); test('b', () => {}); test.run()`)
  assert.equal(verdict, { passed: 0, failed: 2, skipped: 0 })
})

test('a hook after a test that throws is a failure', async () => {
  const { verdict } = await run(`test.after.each(() => { throw 1 }); test('a', () => {}); test.run()`)
  assert.is(verdict.failed, 1)
})

test('a file that does not run its suite is a failure', async () => {
  assert.match(await faultOf(`test('a', () => {})`), 'exited with 0 without having run any suite')
})

test('a file that ends itself in the middle of a test is a failure', async () => {
  assert.match(await faultOf(`test('a', () => process.exit(0)); test.run()`), 'without having run any suite')
})

test('a file that waits for what never comes is a failure', async () => {
  assert.match(await faultOf(`test('a', () => new Promise(() => {})); test.run()`), 'without having run any suite')
})

test('a file that cannot be read is a failure', async () => {
  assert.match(await faultOf(`import { nothing } from './nowhere.ts'; nothing()`), 'exited with 1')
})

test('a promise that nobody caught is a failure, although the tests passed', async () => {
  const fault = await faultOf(`test('a', () => { setTimeout(() => Promise.reject(new Error('x')), 50) }); test.run()`)
  assert.match(fault, 'exited with 1 although its tests had passed')
})

test('a file that passes its deadline is killed with what it started', async () => {
  const source = `
    const child = spawn('sleep', ['60'], { stdio: 'inherit' })
    test('a', () => { console.log('child ' + child.pid); return new Promise(() => setInterval(() => {}, 1000)) })
    test.run()`
  const { verdict, result } = await run(source, 6000)
  assert.match(verdict.fault ?? '', 'killed after its deadline of 6 s')
  const pid = Number(/child (\d+)/.exec(result.output)?.[1])
  assert.ok(await isGone(pid))
})

test('an interruption ends the file that runs, and starts no other', async () => {
  const controller = new AbortController()
  const told: JudgedFile[] = []
  await withTestFile(`test('a', () => new Promise(() => setInterval(() => {}, 1000))); test.run()`, async (path) => {
    setTimeout(() => controller.abort(), 300)
    const file = { path, deadlineMs: 20_000, byTsx: true }
    await runFiles([file, file], 1, {}, controller.signal, (judged) => told.push(judged))
  })
  assert.equal(
    told.map(({ verdict }) => verdict.failed),
    [1],
  )
})

test('a file whose runner is killed ends too', async () => {
  const runner = new URL('run-files.ts', import.meta.url).href
  const source = `
    writeFileSync(process.env.PID_FILE, String(process.pid))
    test('a', () => new Promise(() => setInterval(() => {}, 1000)))
    test.run()`
  await withTestFile(source, async (path) => {
    const pidFile = `${path}.pid`
    const call = `runFiles([{ path: '${path}', deadlineMs: 60000, byTsx: true }], 1, { PID_FILE: '${pidFile}' }, new AbortController().signal, () => {})`
    const program = `import { runFiles } from '${runner}'; await ${call}`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
      stdio: 'inherit',
    })
    const pid = await pidIn(pidFile)
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.ok(await isGone(pid))
  })
})

async function pidIn(file: string): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const text = await readFile(file, 'utf8').catch(() => '')
    if (text !== '') return Number(text)
    await sleep(50)
  }
  throw new Error(`Nobody wrote ${file}`)
}

/** Whether a process ends within a moment; one that was killed may stay in the list until it is collected. */
async function isGone(pid: number): Promise<boolean> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { output } = await runProgram('ps', ['-o', 'stat=', '-p', String(pid)])
    if (output === '' || output.startsWith('Z')) return true
    await sleep(50)
  }
  return false
}

test.run()
