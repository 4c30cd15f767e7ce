import { connect, type JetStreamManager } from 'nats'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Failure } from '../../../contracts/failure.ts'
import { ensureStream, readStreamConfig } from '../../../infra/nats/ensure-stream.ts'
import {
  doubtfulSettings,
  type ExistingStreamConfig,
  streamConfiguration,
  unsafeSettings,
} from '../../../infra/nats/stream-settings.ts'
import { withPrefix } from '../../with-servers.ts'

const NEEDS = { subjects: 'shop.people.>', replicas: 1, messageBytes: 1_048_576 }

test('a stream is made as the log needs it, and the server reports no setting of it as unsafe', () =>
  withManager(async (manager, prefix) => {
    const wanted = { prefix, service: 'people', replicas: 1, messageBytes: 1_048_576 }
    assert.is(await ensureStream(manager, wanted), 'created')
    assert.is(await ensureStream(manager, wanted), 'present')
    const config = await readStreamConfig(manager, `${prefix.toUpperCase()}_PEOPLE`)
    assert.ok(config)
    assert.equal(unsafeSettings(config, { ...NEEDS, subjects: `${prefix}.people.>` }), [])
    assert.equal(doubtfulSettings(config), [])
    const { max_age, storage, discard, retention, deny_delete, deny_purge, compression, num_replicas } = config
    assert.equal(
      { max_age, storage, discard, retention, deny_delete, deny_purge, compression, num_replicas },
      {
        max_age: 0,
        storage: 'file',
        discard: 'new',
        retention: 'limits',
        deny_delete: true,
        deny_purge: true,
        compression: 's2',
        num_replicas: 1,
      },
    )
  }))

test('a stream with unsafe settings is refused with each of them, and is not changed', () =>
  withManager(async (manager, prefix) => {
    const name = `${prefix.toUpperCase()}_PEOPLE`
    await manager.streams.add({ name, subjects: [`${prefix}.people.>`], max_age: 1_000_000_000 })
    const before = await readStreamConfig(manager, name)
    try {
      await ensureStream(manager, { prefix, service: 'people', replicas: 1, messageBytes: 1_048_576 })
      assert.unreachable()
    } catch (error) {
      assert.instance(error, Failure)
      assert.is((error as Failure).exitCode, 4)
      assert.match((error as Failure).message, /discard old .*; deny_delete false .*; deny_purge false .*; max_age 1 s/)
    }
    assert.equal(await readStreamConfig(manager, name), before)
  }))

test("a stream that the server makes not, since another has its subjects, is refused with the server's words", () =>
  withManager(async (manager, prefix) => {
    await manager.streams.add({ name: `${prefix}_other`, subjects: [`${prefix}.>`] })
    try {
      await ensureStream(manager, { prefix, service: 'people', replicas: 1, messageBytes: 1 })
      assert.unreachable()
    } catch (error) {
      assert.instance(error, Failure)
      assert.match(
        (error as Failure).message,
        /^NATS makes no stream \w+_PEOPLE: subjects overlap with an existing stream/,
      )
    }
  }))

test('each setting that could lose, change or hide a message is unsafe by itself', () => {
  const changes: readonly [Partial<Record<keyof ExistingStreamConfig, unknown>>, string][] = [
    [{ retention: 'workqueue' }, 'retention workqueue'],
    [{ retention: 'interest' }, 'retention interest'],
    [{ discard: 'old' }, 'discard old'],
    [{ storage: 'memory' }, 'storage memory'],
    [{ persist_mode: 'async' }, 'persist_mode async'],
    [{ deny_delete: false }, 'deny_delete false'],
    [{ deny_purge: false }, 'deny_purge false'],
    [{ allow_rollup_hdrs: true }, 'allow_rollup_hdrs'],
    [{ allow_msg_ttl: true }, 'allow_msg_ttl'],
    [{ allow_msg_counter: true }, 'allow_msg_counter'],
    [{ no_ack: true }, 'no_ack'],
    [{ sealed: true }, 'sealed'],
    [{ max_age: 1_000_000_000 }, 'max_age 1 s'],
    [{ max_msgs: 5 }, 'max_msgs 5'],
    [{ max_msgs_per_subject: 1 }, 'max_msgs_per_subject 1'],
    [{ max_msg_size: 1_048_575 }, 'max_msg_size 1048575'],
    [{ num_replicas: 0 }, 'num_replicas 0 (1 are configured)'],
    [{ subjects: ['shop.>'] }, 'subjects shop.> (its own are shop.people.>)'],
    [{ subjects: ['shop.people.>', 'x'] }, 'subjects shop.people.>, x'],
    [{ mirror: { name: 'x' } }, 'mirror'],
    [{ sources: [{ name: 'x' }] }, 'sources'],
    [{ republish: { src: '>', dest: 'x' } }, 'republish'],
    [{ subject_transform: { src: '>', dest: 'x' } }, 'subject_transform'],
  ]
  const safe = { sealed: false, ...streamConfiguration('shop', 'people', 1) } as ExistingStreamConfig
  assert.equal(unsafeSettings(safe, NEEDS), [])
  for (const [change, text] of changes) {
    const found = unsafeSettings({ ...safe, ...change } as ExistingStreamConfig, NEEDS)
    assert.is(found.length, 1, text)
    assert.ok(found[0]?.startsWith(text), `${text} ${found.join()}`)
  }
  assert.equal(unsafeSettings({ ...safe, max_msg_size: 1_048_576, num_replicas: 3, max_bytes: 5 }, NEEDS), [])
  assert.is(doubtfulSettings({ ...safe, max_bytes: 5 }).length, 1)
})

async function withManager(use: (manager: JetStreamManager, prefix: string) => Promise<void>): Promise<void> {
  await withPrefix(async (prefix, nats) => {
    const connection = await connect({ servers: new URL(nats.url).host, user: nats.user, pass: nats.password })
    try {
      await use(await connection.jetstreamManager(), prefix)
    } finally {
      await connection.close()
    }
  })
}

test.run()
