// deadline: 180 s
import { createRequire } from 'node:module'
import { Ajv } from 'ajv'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import archimodeler from '../../../contracts/archimodeler/contract-set.ts'
import { type AsyncApiSource, asyncApiDocument } from '../../../infra/export/asyncapi.ts'
import hostile from '../../hostile/contract-set.ts'

const require = createRequire(import.meta.url)

/** The schema that the makers of AsyncAPI publish. */
function validator() {
  // The schema brings its own copy of the schema of schemas along.
  const ajv = new Ajv({ meta: false, validateSchema: false, strict: false, validateFormats: false, allErrors: true })
  return ajv.compile(require('@asyncapi/specs/schemas/3.0.0.json') as object)
}

const SOURCES: Readonly<Record<string, AsyncApiSource>> = {
  ArchiModeler: { set: archimodeler, prefix: 'staging', natsUrl: 'tls://user:hidden-password@nats.internal:4222' },
  'a cluster': { set: archimodeler, prefix: 'staging', natsUrl: 'nats://user:hidden-password@a:4222,nats://b:4222' },
  'the hostile set': { set: hostile, prefix: 'hostile', natsUrl: null },
}

const validate = validator()

for (const [name, source] of Object.entries(SOURCES))
  test(`the document of ${name} is AsyncAPI 3.0`, () => {
    const document = asyncApiDocument(source)
    assert.ok(validate(document), JSON.stringify(validate.errors?.slice(0, 3)))
  })

test('the schema would refuse a document that is none', () => {
  assert.is(validate({ ...asyncApiDocument(archimodelerSource()), channels: { x: { address: 7 } } }), false)
})

function archimodelerSource(): AsyncApiSource {
  const source = SOURCES['ArchiModeler']
  assert.ok(source)
  return source
}

test('each subject of the log is a channel, and every reference in the document leads somewhere', () => {
  for (const source of Object.values(SOURCES)) {
    const document = asyncApiDocument(source)
    const channels = Object.values(document['channels'] as Record<string, { address: string }>)
    const entities = source.set.services.flatMap((service) => service.entities)
    assert.is(channels.length, 2 * entities.length + 8 * source.set.services.length)
    assert.is(new Set(channels.map(({ address }) => address)).size, channels.length, 'no two have one address')
    for (const reference of referencesOf(document))
      if (reference.startsWith('#/')) assert.ok(resolved(document, reference) !== undefined, reference)
  }
})

test('the server is named without its user and password', () => {
  const document = asyncApiDocument(archimodelerSource())
  assert.match(JSON.stringify(document['servers']), 'nats.internal:4222')
  assert.not.match(JSON.stringify(document), 'hidden-password')
  assert.not.match(JSON.stringify(document), 'user:')
  assert.is(asyncApiDocument({ ...archimodelerSource(), natsUrl: null })['servers'], undefined)
  const servers = asyncApiDocument({ ...archimodelerSource(), natsUrl: 'nats://u:p@a:4222,nats://b:4222' })['servers']
  assert.equal(
    Object.values(Object(servers)).map((server) => Reflect.get(Object(server), 'host')),
    ['a:4222', 'b:4222'],
  )
})

function referencesOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => (key === '$ref' ? [String(inner)] : referencesOf(inner)))
}

/** https://www.rfc-editor.org/rfc/rfc6901 */
function resolved(document: object, reference: string): unknown {
  const steps = reference
    .slice(2)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  let value: unknown = document
  for (const step of steps) value = typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined
  return value
}

test.run()
