import type { ContractSet, Entity, Service } from '../../contracts/language/contract-set.ts'
import {
  changeSubject,
  type ControlKind,
  controlSubject,
  SEVERAL_ENTITIES,
  snapshotSubject,
  streamName,
} from '../../contracts/subjects.ts'
import { CONTENT_TYPE } from '../../contracts/wire/headers.ts'
import { WIRE_VERSION } from '../../contracts/wire/message.ts'
import { shapeHash, shapeOf } from '../../contracts/wire/shape.ts'
import { natsUrls } from '../nats/server-urls.ts'
import { entityFileNames } from './entity-files.ts'

/** What an AsyncAPI document is made of. */
export interface AsyncApiSource {
  readonly set: ContractSet
  readonly prefix: string
  /** Null where no server is known. Its user and password are left out. */
  readonly natsUrl: string | null
}

type Json = { readonly [key: string]: unknown }

/** The document's own folder has the schemas in one of this name. */
export const SCHEMAS_FOLDER = 'schemas'

const SCHEMA_FORMAT = 'application/schema+json;version=draft-2020-12'

const CONTROLS: Readonly<Record<ControlKind, string>> = {
  epoch: 'The first message of an epoch: which monolith, which slot, from which position.',
  contract: 'The columns by which the messages of an entity are decoded.',
  attempt: 'The beginning of one reading of an entity, and the snapshot under which it is read.',
  chunk: "The end of a chunk's reading, where a table has several: the same of the chunk alone.",
  complete: "The end of an entity's reading: rows, pages, and the digest that SQL computed in the monolith.",
  manifest: 'What closes a snapshot: the totals of every entity.',
  marker: 'A named point: what was committed before it in the monolith stands before it.',
}

/**
 * The AsyncAPI 3.0 document of the log, as whoever reads it sees it: a channel for each subject, the messages in it with
 * their schemas and headers, and the server without credentials. https://www.asyncapi.com/docs/reference/specification/v3.0.0
 */
export function asyncApiDocument(source: AsyncApiSource): Json {
  const { set, prefix } = source
  const channels = set.services.flatMap((service) => serviceChannels(source, service))
  return {
    asyncapi: '3.0.0',
    id: `urn:scission:${prefix}`,
    info: {
      title: `The log of ${set.name}`,
      version: String(WIRE_VERSION),
      description: `What Scission writes of the monolith ${set.name} into NATS JetStream: one stream a service, snapshot pages first, then changes. Messages are msgpack.`,
    },
    defaultContentType: CONTENT_TYPE,
    ...serversOf(source),
    channels: Object.fromEntries(channels.map(({ id, channel }) => [id, channel])),
    operations: Object.fromEntries(
      channels.map(({ id }) => [`read.${id}`, { action: 'receive', channel: { $ref: `#/channels/${id}` } }]),
    ),
    components: {
      messages: Object.fromEntries([
        ...sharedMessages(),
        ...set.services.flatMap((service) => service.entities.flatMap((entity) => entityMessages(service, entity))),
      ]),
      ...(source.natsUrl === null ? {} : { securitySchemes: { user: { type: 'userPassword' } } }),
    },
  }
}

function serversOf({ natsUrl }: AsyncApiSource): Json {
  if (natsUrl === null) return {}
  const servers = natsUrls(natsUrl).map((text) => new URL(text))
  const [only, ...others] = servers
  if (others.length === 0 && only !== undefined) return { servers: { log: serverOf(only) } }
  return { servers: Object.fromEntries(servers.map((url, index) => [`log${index + 1}`, serverOf(url)])) }
}

function serverOf({ host, protocol }: URL): Json {
  return {
    host,
    protocol: 'nats',
    description: `NATS with JetStream${protocol === 'tls:' ? ', by TLS' : ''}.`,
    security: [{ $ref: '#/components/securitySchemes/user' }],
  }
}

interface NamedChannel {
  readonly id: string
  readonly channel: Json
}

function serviceChannels({ prefix }: AsyncApiSource, service: Service): NamedChannel[] {
  const files = entityFileNames(service)
  const stream = `In the stream ${streamName(prefix, service.name)}.`
  const channel = (id: string, address: string, description: string, messages: readonly string[]): NamedChannel => ({
    id: `${service.name}.${id}`,
    channel: {
      address,
      description: `${description} ${stream}`,
      messages: Object.fromEntries(messages.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
    },
  })
  const entities = service.entities.flatMap(({ name }) => {
    const id = channelId(files.get(name) ?? name)
    const own = `${service.name}.${id}`
    return [
      channel(`snapshot.${id}`, snapshotSubject(prefix, service.name, name), `Pages of ${name}.`, [
        `${own}.page`,
        'part',
      ]),
      channel(`change.${id}`, changeSubject(prefix, service.name, name), `Changes of ${name}.`, ['change', 'part']),
    ]
  })
  const controls = Object.entries(CONTROLS).map(([kind, description]) =>
    channel(`control.${kind}`, controlSubject(prefix, service.name, kind as ControlKind), description, [
      `control.${kind}`,
      'part',
    ]),
  )
  const several = `${prefix}.${service.name}.change.${SEVERAL_ENTITIES}`
  return [
    ...controls,
    ...entities,
    channel('change.several', several, 'Changes of several entities in one message.', ['change', 'part']),
  ]
}

/** The keys of a document's parts have letters, digits, dots, hyphens and underscores alone. */
function channelId(file: string): string {
  return file.replaceAll(/[^\w.-]/g, '_')
}

function sharedMessages(): [string, Json][] {
  const shared = (name: string, definition: string, summary: string): [string, Json] => [
    name,
    messageObject(summary, { $ref: `./${SCHEMAS_FOLDER}/messages.json#/$defs/${definition}` }),
  ]
  return [
    shared('change', 'change', 'Consecutive changes, in the order of their commits.'),
    shared('part', 'part', 'A piece of a message that is too large for the broker.'),
    ...Object.entries(CONTROLS).map(([kind, summary]) => shared(`control.${kind}`, kind, summary)),
  ]
}

function entityMessages(service: Service, entity: Entity): [string, Json][] {
  const file = entityFileNames(service).get(entity.name) ?? entity.name
  const row = `./${SCHEMAS_FOLDER}/${service.name}/${encodeURIComponent(file)}.json`
  const payload = {
    allOf: [
      { $ref: `./${SCHEMAS_FOLDER}/messages.json#/$defs/page` },
      {
        type: 'object',
        properties: {
          entity: { const: entity.name },
          shape: { const: shapeHash(shapeOf(entity)) },
          rows: { type: 'array', items: { $ref: row } },
        },
      },
    ],
  }
  return [[`${service.name}.${channelId(file)}.page`, messageObject(`Rows of ${entity.name}.`, payload)]]
}

function messageObject(summary: string, schema: Json): Json {
  return {
    summary,
    contentType: CONTENT_TYPE,
    headers: {
      schemaFormat: SCHEMA_FORMAT,
      schema: { $ref: `./${SCHEMAS_FOLDER}/messages.json#/$defs/headers` },
    },
    payload: { schemaFormat: SCHEMA_FORMAT, schema },
  }
}
