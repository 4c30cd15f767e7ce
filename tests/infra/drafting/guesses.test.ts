import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Failure } from '../../../contracts/failure.ts'
import { isBookkeeping } from '../../../infra/drafting/bookkeeping-tables.ts'
import { withoutOwnCast } from '../../../infra/drafting/draft-columns.ts'
import { parseGivenService } from '../../../infra/drafting/given-services.ts'
import { isCalledAfter, wordsOf } from '../../../infra/drafting/kinship.ts'
import { mayBeSecret } from '../../../infra/drafting/secret-columns.ts'

test('secrets are guessed by the words of a name', () => {
  for (const name of [
    'password',
    'passwordHash',
    'PASSWD',
    'client_secret',
    'refreshToken',
    'api_key',
    'apiKey',
    'api_keys',
    'private_key',
    'credentials',
    'content_hash',
    'salt',
    'card_number',
  ])
    assert.ok(mayBeSecret('users', name, 'text'), name)
  for (const name of ['name', 'passenger', 'secretary', 'tokenizer', 'hashtag', 'key', 'value', 'keyword', 'pinned'])
    assert.not(mayBeSecret('users', name, 'text'), name)
})

test('what cannot hold a secret is none, whatever it is called', () => {
  assert.not(mayBeSecret('users', 'password_changed_at', 'timestamp(3) without time zone'))
  assert.not(mayBeSecret('users', 'has_secret', 'boolean'))
  assert.not(mayBeSecret('users', 'token_count', 'integer'))
  assert.ok(mayBeSecret('users', 'token', 'uuid'))
  assert.ok(mayBeSecret('users', 'token', 'bytea'))
})

test('tables of keys and of settings hold secrets in columns of any name', () => {
  assert.ok(mayBeSecret('api_keys', 'key', 'text'))
  assert.ok(mayBeSecret('AccessToken', 'value', 'text'))
  assert.ok(mayBeSecret('SystemSetting', 'value', 'jsonb'))
  assert.ok(mayBeSecret('DataSource', 'config', 'jsonb'))
  assert.not(mayBeSecret('products', 'value', 'text'))
  assert.not(mayBeSecret('SystemSetting', 'key', 'text'))
})

test('what tools for migrations keep is known by its name, in any case', () => {
  for (const name of [
    '_prisma_migrations',
    'schema_migrations',
    '__EFMigrationsHistory',
    'SequelizeMeta',
    'knex_migrations',
  ])
    assert.ok(isBookkeeping(name), name)
  for (const name of ['migration_orders', 'bird_migrations', 'versions']) assert.not(isBookkeeping(name), name)
})

test('a table is called after another one by whole words', () => {
  assert.equal(wordsOf('OrderItems'), ['order', 'item'])
  assert.equal(wordsOf('_RoleToUser'), ['role', 'to', 'user'])
  assert.equal(wordsOf('customer_addresses'), ['customer', 'address'])
  assert.ok(isCalledAfter('order_items', 'orders'))
  assert.ok(isCalledAfter('ElementStereotype', 'Stereotype'))
  assert.not(isCalledAfter('orderly', 'order'))
  assert.not(isCalledAfter('order', 'order_items'))
  assert.not(isCalledAfter('😀', '😀'))
})

test("a cast to the column's own type is left out of a default, and no other", () => {
  assert.is(withoutOwnCast(`'en'::text`, 'text'), `'en'`)
  assert.is(withoutOwnCast(`'it''s'::public."Mood"`, 'public."Mood"'), `'it''s'`)
  assert.is(withoutOwnCast(`'x'::text`, 'character varying(5)'), `'x'::text`)
  assert.is(withoutOwnCast(`('a'::text || 'b'::text)`, 'text'), `('a'::text || 'b'::text)`)
  assert.is(withoutOwnCast(`'a'::text || 'b'::text`, 'text'), `'a'::text || 'b'::text`)
})

test('a given service is a name and tables, or refused', () => {
  assert.equal(parseGivenService('sales=orders, other.lines'), { name: 'sales', tables: ['orders', 'other.lines'] })
  for (const text of ['sales', 'sales=', 'sales=a,,b', '=a', 'Sales=a', 'monolith=a', `${'x'.repeat(32)}=a`])
    assert.throws(
      () => parseGivenService(text),
      (error: unknown) => error instanceof Failure && error.exitCode === 2,
      text,
    )
})

test.run()
