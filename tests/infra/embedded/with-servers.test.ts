import { connect } from 'nats'
import { Client } from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { uniquePrefix, withDatabase, withDatabases, withNats, withPrefix, type TestNats } from '../../with-servers.ts'

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

async function streamNames(nats: TestNats): Promise<string[]> {
  const connection = await connect({ servers: nats.url, user: nats.user, pass: nats.password })
  const manager = await connection.jetstreamManager()
  const names: string[] = []
  for await (const name of manager.streams.names()) names.push(name)
  await connection.close()
  return names
}

test('a database is new, and gone afterwards, even when a session and a slot still use it', () =>
  withDatabase(async (outer) => {
    const name = await withDatabase(async (url) => {
      assert.not.equal(url, outer)
      const replication = { connectionString: url, replication: 'database' }
      const client = new Client(replication)
      client.on('error', () => {})
      await client.connect()
      const slot = `s_${uniquePrefix()}`
      await client.query(`CREATE_REPLICATION_SLOT ${slot} LOGICAL pgoutput`)
      void client
        .query(`START_REPLICATION SLOT ${slot} LOGICAL 0/0 (proto_version '1', publication_names 'p')`)
        .catch(() => {})
      await ask(url, 'CREATE TABLE t (a int)')
      return new URL(url).pathname.slice(1)
    })
    assert.equal(await ask(outer, `SELECT datname FROM pg_database WHERE datname = '${name}'`), [])
    assert.equal(await ask(outer, `SELECT slot_name FROM pg_replication_slots WHERE database = '${name}'`), [])
  }))

test('several databases come by their names', () =>
  withDatabases(['iam', 'chat'], async (urls) => {
    assert.equal(Object.keys(urls), ['iam', 'chat'])
    assert.not.equal(
      await ask(urls.iam, 'SELECT current_database()'),
      await ask(urls.chat, 'SELECT current_database()'),
    )
  }))

test('the streams of a prefix are removed afterwards, those of others are not', () =>
  withPrefix(async (other, nats) => {
    await addStream(nats, `${other.toUpperCase()}_IAM`, other)
    const prefix = await withPrefix(async (own) => {
      await addStream(nats, `${own.toUpperCase()}_IAM`, own)
      return own
    })
    const names = await withNats(streamNames)
    assert.not.ok(names.some((name) => name.startsWith(prefix.toUpperCase())))
    assert.ok(names.includes(`${other.toUpperCase()}_IAM`))
  }))

async function addStream(nats: TestNats, name: string, prefix: string): Promise<void> {
  const connection = await connect({ servers: nats.url, user: nats.user, pass: nats.password })
  const manager = await connection.jetstreamManager()
  await manager.streams.add({ name, subjects: [`${prefix}.>`] })
  await connection.close()
}

test.run()
