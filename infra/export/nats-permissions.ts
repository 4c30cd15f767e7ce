import type { ContractSet } from '../../contracts/language/contract-set.ts'
import { serviceSubjects, streamName } from '../../contracts/subjects.ts'

/** What the permissions are made of. */
export interface LogDeployment {
  readonly set: ContractSet
  readonly prefix: string
}

/** A user of the log, and the environment variable from which the server takes the password. */
export interface LogUser {
  readonly user: string
  readonly passwordVariable: string
}

/** Who makes, judges and deletes the streams, and reads all of them: `preflight`, `prepare`, `verify`, `cancel`. */
export function operatorUser(prefix: string): LogUser {
  return { user: `${prefix}-operator`, passwordVariable: `${prefix.toUpperCase()}_NATS_OPERATOR_PASSWORD` }
}

/** Who alone writes: `publish`. */
export function publisherUser(prefix: string): LogUser {
  return { user: `${prefix}-publisher`, passwordVariable: `${prefix.toUpperCase()}_NATS_PUBLISHER_PASSWORD` }
}

/** Who reads a service's stream and nothing else: `consume <service>`. No service's name has a hyphen. */
export function serviceUser(prefix: string, service: string): LogUser {
  return {
    user: `${prefix}_${service}`,
    passwordVariable: `${prefix}_${service}_NATS_PASSWORD`.toUpperCase(),
  }
}

/** What any client of JetStream asks first. */
const ACCOUNT_SUBJECT = '$JS.API.INFO'

/**
 * What reading a stream asks the broker for: where the stream ends, a message by its number or the last of a subject,
 * and a reader of its own, which is made, asked for messages, looked at and forgotten. Manual: docs.nats.io, "JetStream
 * wire API Reference".
 */
export function readingSubjects(stream: string): { readonly subject: string; readonly isAnsweredOften: boolean }[] {
  const once = ['STREAM.INFO.#', 'STREAM.MSG.GET.#', 'CONSUMER.CREATE.#', 'CONSUMER.INFO.#.*', 'CONSUMER.DELETE.#.*']
  return [
    ...once.map((form) => ({ subject: apiSubject(form, stream), isAnsweredOften: false })),
    { subject: apiSubject('CONSUMER.MSG.NEXT.#.*', stream), isAnsweredOften: true },
  ]
}

function apiSubject(form: string, stream: string): string {
  return `$JS.API.${form.replace('#', stream)}`
}

/**
 * A part of a nats-server's configuration, to be included in it: an account that has the log, with a publisher who alone
 * writes and an operator who cannot, and for each service an account of its own, which may ask the first one for that
 * service's stream and for nothing else. Accounts rather than users of one account, since the replies to all users of
 * an account pass through subjects that each of them may listen to. Manual: docs.nats.io, "Accounts".
 *
 * A consumer names the subject that it is delivered to, which no permission bounds: the broker writes there by itself, in
 * the log's account, while somebody in it listens to exactly that subject. Nobody does but the clients to their inboxes.
 */
export function natsPermissions({ set, prefix }: LogDeployment): string {
  const services = set.services.map(({ name }) => name)
  const lines = [
    ...introduction(prefix, services),
    'accounts {',
    ...indented(logAccount(prefix, services)),
    ...services.flatMap((service) => indented(serviceAccount(prefix, service))),
    '}',
  ]
  return `${lines.join('\n')}\n`
}

function introduction(prefix: string, services: readonly string[]): string[] {
  const users = [operatorUser(prefix), publisherUser(prefix), ...services.map((name) => serviceUser(prefix, name))]
  return [
    '# Who may do what with the log. Include it in the configuration of the NATS server, beside its jetstream block:',
    '#',
    '#   include ./nats-permissions.conf',
    '#',
    '# Put it in place before prepare makes the streams: those of another account are not seen from this one. Passwords',
    "# come from the server's environment; one that is all digits, or begins like a number, needs quotes in there:",
    ...users.map(({ user, passwordVariable }) => `#   ${passwordVariable}  for the user ${user}`),
    '#',
    `# Let nobody listen to anything else in the account ${logAccountName(prefix)}: whatever somebody there listens to by its exact`,
    '# name, the broker delivers for a service that asks for it, into the streams and the API too.',
    '',
  ]
}

function logAccount(prefix: string, services: readonly string[]): string[] {
  const streams = services.map((service) => streamName(prefix, service))
  const written = services.map((service) => serviceSubjects(prefix, service))
  const read = [ACCOUNT_SUBJECT, ...streams.flatMap((stream) => readingSubjects(stream).map(({ subject }) => subject))]
  return [
    `${logAccountName(prefix)} {`,
    '  jetstream: enabled',
    '  users: [',
    ...indented(userLines(publisherUser(prefix), [...written, ...read]), 2),
    ...indented(userLines(operatorUser(prefix), ['$JS.API.>']), 2),
    '  ]',
    '  exports: [',
    `    { service: ${text(ACCOUNT_SUBJECT)}, accounts: [${services.map((name) => serviceAccountName(prefix, name)).join(', ')}] }`,
    ...services.flatMap((service) => exportLines(prefix, service)),
    '  ]',
    '}',
  ]
}

/** In single quotes a `$` is no variable. */
function text(subject: string): string {
  return `'${subject}'`
}

/** Replies come to inboxes, and nobody listens to anything else. */
function userLines({ user, passwordVariable }: LogUser, publish: readonly string[]): string[] {
  return [
    '{',
    `  user: ${text(user)}`,
    `  password: $${passwordVariable}`,
    '  permissions: {',
    '    publish: { allow: [',
    ...publish.map((subject) => `      ${text(subject)}`),
    '    ] }',
    `    subscribe: { allow: [${text('_INBOX.>')}] }`,
    '  }',
    '}',
  ]
}

function exportLines(prefix: string, service: string): string[] {
  const account = serviceAccountName(prefix, service)
  return readingSubjects(streamName(prefix, service)).map(({ subject, isAnsweredOften }) => {
    const answers = isAnsweredOften ? ', response_type: stream' : ''
    return `    { service: ${text(subject)}${answers}, accounts: [${account}] }`
  })
}

function serviceAccount(prefix: string, service: string): string[] {
  const subjects = readingSubjects(streamName(prefix, service)).map(({ subject }) => subject)
  const asked = [ACCOUNT_SUBJECT, ...subjects]
  return [
    `${serviceAccountName(prefix, service)} {`,
    '  users: [',
    ...indented(userLines(serviceUser(prefix, service), asked), 2),
    '  ]',
    '  imports: [',
    ...asked.map((subject) => `    { service: { account: ${logAccountName(prefix)}, subject: ${text(subject)} } }`),
    '  ]',
    '}',
  ]
}

/** Accounts of services end in a word that the log's own does not, so that no two have one name. */
function logAccountName(prefix: string): string {
  return `${prefix.toUpperCase()}_LOG`
}

function serviceAccountName(prefix: string, service: string): string {
  return `${streamName(prefix, service)}_READER`
}

function indented(lines: readonly string[], levels = 1): string[] {
  return lines.map((line) => '  '.repeat(levels) + line)
}
