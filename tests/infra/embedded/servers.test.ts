import { once } from 'node:events'
import { createServer } from 'node:net'
import { connect } from 'nats'
import { Client } from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createGuardedFolder } from '../../../infra/embedded/guarded-folder.ts'
import { withEmbeddedNats } from '../../../infra/embedded/nats-server.ts'
import { startEmbeddedPostgres, withEmbeddedPostgres } from '../../../infra/embedded/postgres-server.ts'
import { startOnFreePorts } from '../../../infra/embedded/server-start.ts'
import { failureOf } from './failure-of.ts'
import { foldersOf } from './what-is-left.ts'

/** A server of one line, for `node -e`. */
const listen = (port: number) => `require('net').createServer().listen(${port}, '127.0.0.1')`

async function ask(url: string, query: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query({ text: query, rowMode: 'array' })
    return rows.flat()
  } finally {
    await client.end()
  }
}

test('PostgreSQL asks for a password, speaks UTF8, keeps its log for following, and takes settings', () =>
  withEmbeddedPostgres(
    { fsync: false, password: `it's %/@:`, settings: { work_mem: '7MB' } },
    async ({ url, port }) => {
      const settings = ['server_encoding', 'wal_level', 'fsync', 'work_mem', 'password_encryption', 'listen_addresses']
      const query = `SELECT ${settings.map((name) => `current_setting('${name}')`).join(', ')}`
      assert.equal(await ask(url, query), ['UTF8', 'logical', 'off', '7MB', 'scram-sha-256', '127.0.0.1'])
      const refused = await ask(`postgres://postgres:wrong@127.0.0.1:${port}/postgres`, 'SELECT 1').catch(
        (error) => error,
      )
      assert.is(refused.code, '28P01')
    },
  ))

test('each PostgreSQL server is a system of its own', () =>
  withEmbeddedPostgres({ fsync: false }, (one) =>
    withEmbeddedPostgres({ fsync: false }, async (other) => {
      const query = 'SELECT system_identifier::text FROM pg_control_system()'
      assert.not.equal(await ask(one.url, query), await ask(other.url, query))
    }),
  ))

test('a PostgreSQL server that does not start says so with the end of its log, and leaves nothing', async () => {
  const failure = await failureOf(startEmbeddedPostgres({ settings: { wal_level: 'nonsense' } }))
  assert.is(failure.exitCode, 1)
  assert.match(failure.message, 'The embedded PostgreSQL server ended while it started.')
  assert.match(failure.message, 'invalid value for parameter "wal_level": "nonsense"')
  assert.equal(await foldersOf(process.pid), [])
})

test('NATS asks for a password, syncs always, keeps streams on disk, and takes a limit for messages', () =>
  withEmbeddedNats({ maxPayloadBytes: 2_000_000 }, async ({ url, user, password, port, monitorPort }) => {
    const connection = await connect({ servers: `127.0.0.1:${port}`, user, pass: password })
    assert.is(connection.info?.max_payload, 2_000_000)
    const manager = await connection.jetstreamManager()
    await manager.streams.add({ name: 'T', subjects: ['t'] })
    await connection.close()
    const answer = await fetch(`http://127.0.0.1:${monitorPort}/jsz`)
    assert.match(await answer.text(), /"sync_always": *true/)
    const refused = await connect({ servers: url, user, pass: 'wrong' }).catch((error) => error)
    assert.is(refused.code, 'AUTHORIZATION_VIOLATION')
  }))

test('a server whose port was taken in between is started on another one', async () => {
  const folder = await createGuardedFolder()
  const thief = createServer()
  const tried: number[] = []
  try {
    const ports = await startOnFreePorts({
      name: 'fake',
      folder,
      portCount: 1,
      program: async ([port = 0]) => {
        if (tried.push(port) === 1) await once(thief.listen(port, '127.0.0.1'), 'listening')
        return { program: process.execPath, args: ['-e', listen(port)], environment: {}, signal: 'TERM', graceMs: 1000 }
      },
      answers: async ([port]) => tried.length === 2 && port === tried[1],
    })
    assert.equal(ports, tried.slice(1))
  } finally {
    await folder.remove()
    thief.close()
  }
})

test.run()
