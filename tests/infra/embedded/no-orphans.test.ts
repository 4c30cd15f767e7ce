import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startEmbeddedNats, withEmbeddedNats } from '../../../infra/embedded/nats-server.ts'
import { startEmbeddedPostgres } from '../../../infra/embedded/postgres-server.ts'
import { foldersOf, nothing, processesOver, whatIsLeftOf } from './what-is-left.ts'
import { withOwner } from './with-owner.ts'

const kill = (pid: number) => process.kill(pid, 'SIGKILL')

/** The guards of a process's servers: the shells that are its children, and those that watch for them. */
async function guardsOf(pid: number): Promise<number[]> {
  return (await processesOver(pid)).filter(({ line }) => line.includes('/guard.sh ')).map((guard) => guard.pid)
}

for (const kind of ['postgres', 'nats'] as const) {
  test(`nothing is left of ${kind} when its owner is killed`, () =>
    withOwner(kind, async ({ pid, url }) => {
      await url
      assert.ok((await processesOver(pid)).length > 0)
      kill(pid)
      assert.equal(await whatIsLeftOf(pid), nothing)
    }))

  test(`nothing is left of ${kind} when its guard is killed, though its owner lives`, () =>
    withOwner(kind, async ({ pid, url }) => {
      await url
      const [guard] = await guardsOf(pid)
      kill(Number(guard))
      assert.equal(await whatIsLeftOf(pid), nothing)
      process.kill(pid, 0)
    }))
}

test('nothing is left when the owner is killed while the data directory is being made', () =>
  withOwner('postgres', async ({ pid }) => {
    const isUnderway = async () => (await processesOver(pid)).some(({ line }) => line.includes('/initdb '))
    while (!(await isUnderway())) await sleep(5)
    kill(pid)
    assert.equal(await whatIsLeftOf(pid), nothing)
  }))

test('the next start removes what an owner left that was killed together with all guards', () =>
  withOwner('nats', async ({ pid, url }) => {
    await url
    process.kill(pid, 'SIGSTOP') // It must not see its guards die: then it would end the server itself.
    const guards = await guardsOf(pid)
    for (const guard of guards) kill(guard)
    kill(pid)
    assert.is((await processesOver(pid)).length, 1)
    assert.is((await foldersOf(pid)).length, 1)
    await withEmbeddedNats({}, async () => {})
    assert.equal(await whatIsLeftOf(pid), nothing)
  }))

test('a start leaves the folder of an owner alone who lives', () =>
  withOwner('nats', async ({ pid, url }) => {
    await url
    await withEmbeddedNats({}, async () => {})
    assert.is((await foldersOf(pid)).length, 1)
    assert.ok((await processesOver(pid)).length > 0)
  }))

test('stop ends the servers and removes their folders, and may be called again', async () => {
  const servers = await Promise.all([startEmbeddedPostgres({ fsync: false }), startEmbeddedNats()])
  await Promise.all(servers.map((server) => server.stop()))
  assert.equal([await foldersOf(process.pid), await processesOver(process.pid)], [[], []])
  await Promise.all(servers.map((server) => server.stop()))
})

test('stop does not wait for clients that are still connected', async () => {
  const server = await startEmbeddedPostgres({ fsync: false })
  const client = new Client({ connectionString: server.url })
  client.on('error', () => {})
  await client.connect()
  const query = client.query('SELECT pg_sleep(60)').catch((error: Error) => error)
  await server.stop()
  assert.equal([await foldersOf(process.pid), await processesOver(process.pid)], [[], []])
  assert.instance(await query, Error)
  await client.end()
})

test.run()
