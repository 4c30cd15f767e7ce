import pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Failure } from '../../../contracts/failure.ts'
import { isLeftBehind } from '../../../infra/preflight/check-monolith-tables.ts'
import { serverTooOld, unseenFinding } from '../../../infra/preflight/connect.ts'
import { schemaOfType } from '../../../infra/service-database/type-schema.ts'
import { lineOf } from './findings-of.ts'

test('a server before 14 is too old, by its number or because it does not know a setting of our sessions', () => {
  assert.equal(serverTooOld('the monolith', { version: '14.0', versionNumber: 140_000 }), [])
  const [old] = serverTooOld('service iam', { version: '13.9', versionNumber: 130_009 })
  assert.ok(old)
  assert.is(
    lineOf(old),
    'error server-version, service iam: The server runs PostgreSQL 13.9: Scission needs PostgreSQL 14 or later. Upgrade the server.',
  )
  const unknown = new pg.DatabaseError('unrecognized configuration parameter "idle_session_timeout"', 0, 'error')
  unknown.code = '42704'
  const finding = unseenFinding('the monolith', new Failure(4, 'It cannot be reached.', { cause: unknown }))
  assert.is(finding.check, 'server-version')
})

test('a failure and a refused statement are findings, and a defect of ours is thrown', () => {
  const failed = unseenFinding('NATS', new Failure(4, 'NATS does not answer.'))
  assert.is(failed.problem, 'NATS does not answer.')
  const refused = unseenFinding(
    'service iam',
    new pg.DatabaseError('permission denied for schema scission', 0, 'error'),
  )
  assert.is(refused.problem, 'It refused to be looked at: permission denied for schema scission.')
  assert.match(
    unseenFinding('service iam', new Error('Connection terminated unexpectedly')).problem,
    'The connection broke',
  )
  assert.throws(() => unseenFinding('NATS', new TypeError('x is not a function')), /x is not a function/)
})

test('a name left behind is schema.table, or a table of public', () => {
  const left = ['_prisma_migrations', 'audit.log', 'a.b']
  assert.ok(isLeftBehind({ schema: 'public', table: '_prisma_migrations' }, left))
  assert.ok(isLeftBehind({ schema: 'audit', table: 'log' }, left))
  assert.ok(isLeftBehind({ schema: 'public', table: 'a.b' }, left))
  assert.not.ok(isLeftBehind({ schema: 'audit', table: '_prisma_migrations' }, left))
  assert.not.ok(isLeftBehind({ schema: 'public', table: 'log' }, left))
})

test("a type's schema is read from its printed name", () => {
  assert.is(schemaOfType('public.hstore'), 'public')
  assert.is(schemaOfType('"Odd ""schema"".x 😀"."order"'), 'Odd "schema".x 😀')
  assert.is(schemaOfType('text'), null)
  assert.is(schemaOfType('"char"'), null)
})

test.run()
