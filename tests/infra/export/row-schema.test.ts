// deadline: 240 s
import { decode, ExtensionCodec } from '@msgpack/msgpack'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { connect } from 'nats'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Service } from '../../../contracts/language/contract-set.ts'
import { streamName } from '../../../contracts/subjects.ts'
import { asyncApiDocument } from '../../../infra/export/asyncapi.ts'
import { exportSet } from '../../../infra/export/export-set.ts'
import type { Deployment } from '../../../infra/preflight/deployment.ts'
import { prepare } from '../../../infra/prepare/prepare.ts'
import { PAGE_BYTES, publishSnapshot } from '../../../publisher/publish-snapshot.ts'
import hostile from '../../hostile/contract-set.ts'
import { registerUuids } from '../../contracts/wire/uuid-extension.ts'
import { withHostile } from '../prepare/hostile-deployment.ts'

const SOURCE = { set: hostile, prefix: 'hostile', natsUrl: null }
const BASE = 'https://export.invalid/'

/** Every exported schema under the address that it has beside the AsyncAPI document. */
function newAjv(): Ajv2020 {
  // Not a number, and infinity, are no JSON, but they are msgpack.
  const ajv = new Ajv2020({ strict: true, strictNumbers: false, validateFormats: false })
  for (const { path, text } of exportSet(SOURCE))
    if (path.startsWith('schemas/'))
      ajv.addSchema(JSON.parse(text) as object, BASE + path.split('/').map(encodeURIComponent).join('/'))
  return ajv
}

/** What validates the payload of one of the document's messages. */
function payloadValidators(ajv: Ajv2020) {
  const { messages } = asyncApiDocument(SOURCE)['components'] as {
    messages: Record<string, { payload: { schema: object } }>
  }
  const compiled = Object.entries(messages).map(
    ([name, { payload }]) => [name, ajv.compile({ $id: `${BASE}${name}`, ...payload.schema })] as const,
  )
  return new Map(compiled)
}

/** JSON has no bytes: the schemas speak of their base64. */
function asJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(asJson)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, asJson(inner)]))
}

type Stored = { readonly kind: string; readonly control?: string; readonly entity?: string; readonly rows?: unknown[] }

const extensionCodec = registerUuids(new ExtensionCodec())

/** The messages of a stream, by a plain client and msgpack alone. */
async function readStream({ nats, prefix }: Deployment, { name }: Service): Promise<Stored[]> {
  const { host, username, password } = new URL(nats.url)
  const connection = await connect({ servers: host, user: username, pass: password })
  try {
    const consumer = await connection.jetstream().consumers.get(streamName(prefix, name))
    const left = (await consumer.info()).num_pending
    const messages: Stored[] = []
    while (messages.length < left)
      for await (const { data } of await consumer.fetch({ max_messages: 20, expires: 1_000 }))
        messages.push(asJson(decode(data, { useBigInt64: false, extensionCodec })) as Stored)
    return messages
  } finally {
    await connection.close()
  }
}

test('every message of a real log, and every row in it, is as the exported schemas say', () =>
  withHostile(async (deployment) => {
    await prepare(deployment, { withSlot: false, dryRun: false })
    await publish(deployment)
    const validators = payloadValidators(newAjv())
    const kinds = new Set<string>()
    for (const { service } of deployment.services) {
      const ids = pageMessages(service)
      for (const message of await readStream(deployment, service)) {
        const id = messageId(message, ids)
        const validate = validators.get(id)
        assert.ok(validate, id)
        assert.ok(validate(message), `${id}: ${JSON.stringify(validate.errors)}`)
        kinds.add(message.control ?? message.kind)
      }
    }
    assert.equal([...kinds].toSorted(), ['attempt', 'complete', 'contract', 'epoch', 'manifest', 'page', 'part'])
  }))

/** The document's message of each entity's pages. */
function pageMessages({ name, entities }: Service): Map<string, string> {
  const { channels } = asyncApiDocument(SOURCE) as { channels: Record<string, { messages: Record<string, unknown> }> }
  const ids = Object.entries(channels).filter(([id]) => id.startsWith(`${name}.snapshot.`))
  return new Map(
    entities.map((entity, place) => [entity.name, Object.keys(ids[place]?.[1].messages ?? {})[0] ?? 'none']),
  )
}

function messageId({ kind, control, entity = '' }: Stored, pages: ReadonlyMap<string, string>): string {
  if (kind === 'control') return `control.${control}`
  return kind === 'page' ? (pages.get(entity) ?? '') : kind
}

async function publish(deployment: Deployment): Promise<void> {
  await publishSnapshot(
    deployment,
    {
      withSlot: false,
      newEpoch: false,
      withoutKeeper: true,
      readers: 1,
      pageBytes: PAGE_BYTES,
      maxOutageMs: 30_000,
      signal: new AbortController().signal,
    },
    () => undefined,
  )
}

test('a row that is not as its columns are is refused', () => {
  const ajv = newAjv()
  const validate = ajv.getSchema(`${BASE}schemas/values/Integer.json`)
  assert.ok(validate)
  const row = [1, -32_768, 2_147_483_647, '9223372036854775807', 0, null, '4294967295', '0/0', '1']
  assert.ok(validate(row), JSON.stringify(validate.errors))
  const mistakes: readonly (readonly [number, unknown])[] = [
    [0, null],
    [1, 32_768],
    [2, '1'],
    [3, '12'],
    [3, 1.5],
    [5, 't'],
  ]
  for (const [place, value] of mistakes) assert.is(validate(row.with(place, value as never)), false, `${place}`)
  assert.is(validate(row.slice(1)), false)
  assert.is(validate([...row, 1]), false)
})

test('a changed row may mark values as untouched, and an old one as left out', () => {
  const ajv = newAjv()
  const schema = `${BASE}schemas/user/user.json`
  const [unchanged, absent] = [{ state: 'unchanged' }, { state: 'absent' }]
  const row = ['me', null, 1, null, null]
  const changed = ajv.getSchema(`${schema}#/$defs/changedRow`)
  const old = ajv.getSchema(`${schema}#/$defs/oldRow`)
  assert.ok(changed && old)
  assert.ok(changed(row.with(3, unchanged as never)))
  assert.not(changed(row.with(3, absent as never)))
  assert.ok(old(row.with(3, absent as never)))
  assert.not(old(row.with(3, unchanged as never)))
})

test.run()
