import type { JetStreamUsageAccountLimits } from 'nats'
import { serviceSubjects, streamName } from '../../contracts/subjects.ts'
import { UNSAFE_CURE, unsafeSentence } from '../nats/ensure-stream.ts'
import { doubtfulSettings, unsafeSettings } from '../nats/stream-settings.ts'
import type { LogState, PreflightContext } from './context.ts'
import { errorFinding, type Finding, NATS, warningFinding } from './finding.ts'

/** Below this a page would hold so few rows that nothing of the design's speed is left. */
const LEAST_PAYLOAD_BYTES = 64 * 1024

/** S2 hardly ever makes a quarter of rows; with less room the log cannot be held. */
const BEST_COMPRESSION = 4

export function payloadIsLargeEnough({ log }: PreflightContext): Finding[] {
  if (log === null || log.maxPayloadBytes >= LEAST_PAYLOAD_BYTES) return []
  return [
    errorFinding(
      'max-payload',
      NATS,
      `max_payload is ${log.maxPayloadBytes} bytes: pages of rows need at least ${LEAST_PAYLOAD_BYTES}.`,
      'Raise max_payload in the configuration of the server; 1 MiB is its default.',
    ),
  ]
}

export function streamsAreSafe({ deployment, log }: PreflightContext): Finding[] {
  if (log === null) return []
  const { prefix, replicas, services } = deployment
  return services.flatMap(({ service }) => {
    const config = log.streams.get(service.name)
    if (config === undefined) return []
    const subjects = serviceSubjects(prefix, service.name)
    const unsafe = unsafeSettings(config, { subjects, replicas, messageBytes: log.maxPayloadBytes })
    const doubtful = doubtfulSettings(config)
    return [
      ...(unsafe.length === 0
        ? []
        : [errorFinding('stream-settings', NATS, unsafeSentence(config.name, unsafe), UNSAFE_CURE)]),
      ...(doubtful.length === 0
        ? []
        : [warningFinding('stream-settings', NATS, doubtfulSentence(config.name, doubtful), DOUBTFUL_CURE)]),
    ]
  })
}

const DOUBTFUL_CURE = 'Change it with "nats stream edit" unless it is meant so.'

function doubtfulSentence(stream: string, doubtful: readonly string[]): string {
  return `Stream ${stream} exists with ${doubtful.join('; ')}.`
}

/** Two streams cannot take one subject, and another's messages in our log would be taken for rows. */
export function subjectsAreFree({ deployment: { prefix, services }, log }: PreflightContext): Finding[] {
  if (log === null) return []
  return services.flatMap(({ service }) => {
    const own = serviceSubjects(prefix, service.name)
    return log.neighbours
      .filter(({ name }) => name !== streamName(prefix, service.name))
      .filter(({ subjects }) => subjects.some((subject) => subjectsOverlap(subject, own)))
      .map(({ name, subjects }) =>
        errorFinding(
          'subjects',
          NATS,
          `Stream ${name} already takes subjects of service ${service.name} (${subjects.join(', ')}).`,
          'Set another SCISSION_PREFIX, or take those subjects from that stream.',
        ),
      )
  })
}

/** Whether a message could match both patterns. Manual: docs.nats.io, "Subject-Based Messaging", wildcards. */
export function subjectsOverlap(left: string, right: string): boolean {
  const [a, b] = [left.split('.'), right.split('.')]
  for (let place = 0; place < Math.max(a.length, b.length); place++) {
    const [x, y] = [a[place], b[place]]
    if (x === undefined || y === undefined) return false
    if (x === '>' || y === '>') return true
    if (x !== y && x !== '*' && y !== '*') return false
  }
  return true
}

export function replicasArePossible({ deployment: { replicas }, log }: PreflightContext): Finding[] {
  if (log === null || replicas <= 1 || log.clustered) return []
  return [
    errorFinding(
      'replicas',
      NATS,
      `${replicas} replicas are configured (SCISSION_REPLICAS), and the server is not in a cluster.`,
      'Set SCISSION_REPLICAS to 1, or give the URL of a cluster.',
    ),
  ]
}

export function accountHasRoom(context: PreflightContext): Finding[] {
  const { deployment, log } = context
  if (log === null) return []
  const account = accountTier(log, deployment.replicas)
  const toMake = deployment.services.length - log.streams.size
  // Where every stream is there, what the account has stored may be this very log.
  if (toMake === 0) return []
  return [
    ...streamsFinding(account, toMake),
    ...boundedFinding(account),
    ...storageFinding(account, neededLogBytes(context)),
  ]
}

/** An account's limits may be kept for each number of replicas apart, its own being zeros then. */
function accountTier({ account }: LogState, replicas: number): JetStreamUsageAccountLimits {
  const tiers: Readonly<Record<string, JetStreamUsageAccountLimits>> = account.tiers ?? {}
  return tiers[`R${replicas}`] ?? account
}

function streamsFinding({ limits, streams }: JetStreamUsageAccountLimits, toMake: number): Finding[] {
  const room = limits.max_streams - streams
  if (limits.max_streams < 0 || toMake <= room) return []
  return [
    errorFinding(
      'account',
      NATS,
      `The account may have ${limits.max_streams} streams and has ${streams}: ${toMake} more are needed.`,
      'Raise max_streams of the account.',
    ),
  ]
}

/** The server sends a boolean, whatever the client's types say. */
function boundedFinding({ limits }: JetStreamUsageAccountLimits): Finding[] {
  if (!limits.max_bytes_required) return []
  return [
    errorFinding(
      'account',
      NATS,
      'The account allows only streams that are bounded (max_bytes_required), and the log is not.',
      'Create the streams beforehand with a max_bytes that the log will not reach, or lift that rule.',
    ),
  ]
}

function storageFinding({ limits, storage }: JetStreamUsageAccountLimits, needed: number): Finding[] {
  const room = limits.max_storage - storage
  if (limits.max_storage < 0 || room > needed) return []
  const finding = room * BEST_COMPRESSION > needed ? warningFinding : errorFinding
  return [
    finding(
      'account',
      NATS,
      `The account has room for ${room} bytes (max_storage), and the monolith's tables take about ${needed}.`,
      'Raise max_storage of the account.',
    ),
  ]
}

/** What the log takes at most, by the catalog's sizes: compression makes it less. */
export function neededLogBytes({ deployment: { replicas }, monolith }: PreflightContext): number {
  const tables = [...(monolith?.catalog.tables.values() ?? [])]
  return replicas * tables.reduce((bytes, { estimatedBytes }) => bytes + estimatedBytes, 0)
}
