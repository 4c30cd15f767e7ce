import { randomBytes } from 'node:crypto'
import { Failure } from '../../contracts/failure.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { justBehind, type Lsn, lsnText, parseLsn } from '../../contracts/positions.ts'
import { crashPoint } from '../../infra/crash-point.ts'
import { withNats } from '../../infra/nats/connect.ts'
import { type PostgresTarget, withSession } from '../../infra/postgres/session.ts'
import { LOCK_PATIENCE } from '../../infra/prepare/lock-patience.ts'
import { prepareServiceDatabase } from '../../infra/prepare/prepare.ts'
import type { StopAt } from '../consume.ts'
import { CONSUMER } from '../role.ts'
import { amount } from './amount.ts'
import { type ComparedTable, compareCopies } from './compare-copies.ts'
import {
  fillCopy,
  type LogCopy,
  proofText,
  proveSnapshot,
  readCopy,
  type Replaying,
  secondsSince,
  step,
} from './fill-copy.ts'
import { findPoint } from './find-point.ts'
import { type Point, pointText } from './point.ts'
import { assertFollows, newestLog, withService } from './replay-session.ts'
import { assertFree } from './assert-free.ts'
import type { LiveService } from './replay-service.ts'

/** What became of a service's rebuilding in another database. */
export interface RebuiltElsewhere {
  readonly service: string
  readonly epoch: number
  /** The last transaction that is applied; null where that is the snapshot. */
  readonly position: string | null
  readonly rows: number
  readonly seconds: number
}

/**
 * Rebuilds a service in another database, as it is at the log's end, or was at a point. The database is prepared as a
 * service's own, so that a consumer may go on there. It may be run again after a crash.
 * @throws Failure 4 where the database is another service's, or further than the point.
 */
export async function rebuildInto(
  replaying: Replaying,
  into: LiveService,
  until: Point | null,
): Promise<RebuiltElsewhere> {
  const startedAt = performance.now()
  const { service } = into
  // Before the database is touched: a log that cannot be read ends it here.
  await newestLog(replaying, service.name)
  await assertFree(replaying, into)
  const to = until === null ? 'present end' : await positionOf(replaying, service, until)
  await prepared(replaying, into)
  crashPoint('replay-into-prepared')
  const { epoch, position, rows } = await fill(replaying, into, to)
  return { service: service.name, epoch, position, rows, seconds: secondsSince(startedAt) }
}

async function positionOf(replaying: Replaying, { name }: Service, until: Point): Promise<Lsn> {
  const { nats, prefix, signal } = replaying
  return await withNats(nats, `replay ${name}`, async (connection) => {
    const { lsn } = await findPoint({ connection, prefix, service: name, signal }, until)
    replaying.report({
      type: 'notice',
      service: name,
      text: `up to ${pointText(until)}, which takes all transactions before ${lsnText(lsn)}`,
    })
    return lsn
  })
}

async function prepared(replaying: Replaying, { database, service }: LiveService): Promise<void> {
  const { prefix, set } = replaying
  const manner = { dryRun: false, onStep: () => undefined, patience: LOCK_PATIENCE }
  await step(
    replaying,
    service.name,
    'prepared',
    async () => await prepareServiceDatabase({ service, database }, { contractSet: set.name, prefix }, manner),
    (steps) => amount(steps.filter(({ outcome }) => outcome === 'done').length, 'step'),
  )
}

interface Filled {
  readonly epoch: number
  readonly position: string | null
  readonly rows: number
}

async function fill(replaying: Replaying, { database, service }: LiveService, to: StopAt): Promise<Filled> {
  const copy: LogCopy = { service, database, role: { ...CONSUMER, verb: 'replay' } }
  const { name } = service
  await assertNotBeyond(replaying, copy, to)
  await step(
    replaying,
    name,
    'loaded',
    async () => await fillCopy(replaying, copy, 'loaded'),
    ({ rows, tables }) => `${amount(rows, 'row')} in ${amount(tables, 'table')}`,
  )
  crashPoint('replay-into-loaded')
  await step(replaying, name, 'snapshot proven', async () => await proveSnapshot(replaying, copy), proofText)
  const { rows } = await step(
    replaying,
    name,
    'caught up',
    async () => await fillCopy(replaying, copy, to),
    ({ appliedChanges }) => amount(appliedChanges, 'change'),
  )
  const { epoch, lsn } = await readCopy(replaying, copy)
  return { epoch, position: lsn, rows }
}

async function assertNotBeyond(replaying: Replaying, copy: LogCopy, to: StopAt): Promise<void> {
  if (typeof to === 'string') return
  const { lsn } = await readCopy(replaying, copy)
  if (lsn === null || parseLsn(lsn) < to) return
  throw new Failure(
    4,
    `The ${copy.database.title.replace(/^the /, '')} stands at ${lsn} already, which is behind the point: nothing takes a change back; give an empty database.`,
  )
}

/** A rebuilding that was thrown away, and how the tables in use differ from it. */
export interface DryRun extends RebuiltElsewhere {
  /** Where the service stands: as of there it was compared, unless a point was given. */
  readonly ownPosition: string | null
  readonly equal: boolean
  readonly tables: readonly ComparedTable[]
}

/**
 * Rebuilds a service in a scratch database on its own server, compares the tables in use with it, and drops it. No consumer
 * may run meanwhile, so that both are of one position.
 * @throws Failure 4 where the role may not make a database.
 */
export async function dryRun(
  replaying: Replaying,
  live: LiveService,
  { limit, until }: { readonly limit: number; readonly until: Point | null },
): Promise<DryRun> {
  const startedAt = performance.now()
  const { service } = live
  const newest = await newestLog(replaying, service.name)
  return await withService(replaying, live, async (_, checkpoint) => {
    assertFollows(service.name, checkpoint, newest)
    const to = until === null ? null : await positionOf(replaying, service, until)
    return await withScratch(replaying, live, async (database) => {
      const scratch = { service, database }
      await prepared(replaying, scratch)
      const own: StopAt = checkpoint.lsn === null ? 'loaded' : justBehind(parseLsn(checkpoint.lsn))
      const { epoch, position, rows } = await fill(replaying, scratch, to ?? own)
      const { jobs, signal } = replaying
      const tables = await step(
        replaying,
        service.name,
        'compared',
        async () =>
          await compareCopies({
            present: { target: live.database, service },
            rebuilt: { target: database, service },
            jobs,
            limit,
            signal,
          }),
        (compared) => {
          const equal = compared.filter((table) => table.equal).length
          return `${equal} of ${amount(compared.length, 'table')} ${compared.length === 1 ? 'is' : 'are'} equal`
        },
      )
      const equal = tables.every((table) => table.equal)
      const seconds = secondsSince(startedAt)
      return { service: service.name, epoch, position, rows, seconds, ownPosition: checkpoint.lsn, equal, tables }
    })
  })
}

/** Begins the name of every scratch database: one that a killed run has left is found by it. */
const SCRATCH = 'scission_replay_'

async function withScratch<Result>(
  { signal }: Replaying,
  { database, service }: LiveService,
  use: (scratch: PostgresTarget) => Promise<Result>,
): Promise<Result> {
  const name = `${SCRATCH}${service.name}_${randomBytes(4).toString('hex')}`.slice(0, 63)
  const url = new URL(database.url)
  url.pathname = `/${encodeURIComponent(name)}`
  const scratch = { ...database, title: `the scratch database ${name}`, url: url.href }
  await withSession(database, { purpose: `replay ${service.name}`, signal }, async (client) => {
    const { rows } = await client.query<{ locale: string }>(
      `SELECT format('ENCODING %L LC_COLLATE %L LC_CTYPE %L', pg_encoding_to_char(encoding), datcollate, datctype) AS locale
         FROM pg_database WHERE datname = current_database()`,
    )
    const like = rows[0]?.locale ?? ''
    await client
      .query(`CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE template0 ${like}`)
      .catch((cause: unknown) => {
        throw new Failure(
          4,
          `The scratch database could not be made beside ${database.title} (${cause instanceof Error ? cause.message : String(cause)}): let the role make databases (ALTER ROLE … CREATEDB), or give a database of your own with --into.`,
          { cause },
        )
      })
  })
  try {
    return await use(scratch)
  } finally {
    // Also where the run was interrupted: the signal is not asked.
    await withSession(database, { purpose: `replay ${service.name}` }, async (client) => {
      await client.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)}`)
    })
  }
}
