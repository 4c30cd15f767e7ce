import { test } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { databasePlace, natsUrlMistake, postgresUrlMistake } from '../../../infra/configuration/database-url.ts'
import { editDistance, nearestName } from '../../../infra/configuration/nearest-name.ts'
import { withoutSecrets } from '../../../infra/configuration/secrets.ts'

test('PostgreSQL URLs pass as the manual has them', () => {
  for (const url of [
    'postgres://host/db',
    'postgresql://user@host:5432/db',
    'postgres://user:p%40ss%2Fword@[::1]:5432/db?sslmode=verify-full&sslrootcert=/etc/ca.pem',
    'postgres:///db?host=/var/run/postgresql',
    'postgres://user:password@host/a%2Fb',
  ])
    assert.is(postgresUrlMistake(url), null, url)
})

test('URLs of another kind, or without a database, are refused', () => {
  for (const url of ['', 'host/db', 'mysql://host/db', 'postgres://host:port/db', 'postgres//u:p@host/db'])
    assert.match(postgresUrlMistake(url) ?? '', 'is not a PostgreSQL URL', url)
  for (const url of ['postgres://host', 'postgres://host/', 'postgres://host?sslmode=require'])
    assert.match(postgresUrlMistake(url) ?? '', 'names no database', url)
})

test('an unencoded character in a password is noticed before a part of it passes for a name', () => {
  for (const password of ['12/x', '12@/x', '12#x', '1%x', '12?x@y'])
    for (const mistake of [
      postgresUrlMistake(`postgres://user:${password}@host/db`),
      natsUrlMistake(`nats://user:${password}@host:4222`),
    ])
      assert.match(mistake ?? '', /unencoded|is not a/, password)
})

test('NATS URLs name a server, or those of a cluster', () => {
  for (const url of [
    'nats://host',
    'tls://user:pass@host:4222',
    'nats://host:4222/',
    'nats://a:4222,nats://b:4222',
    'tls://user:a,b@a:4222, tls://b:4222 ,tls://user:a,b@c',
  ])
    assert.is(natsUrlMistake(url), null, url)
  for (const url of [
    'host:4222',
    'http://host',
    'nats://a:4222,http://b:4222',
    'nats://a:4222,b:4222',
    'nats://a,,',
    '',
  ])
    assert.match(natsUrlMistake(url) ?? '', 'is not a NATS URL', url)
  assert.match(natsUrlMistake('nats://a:4222,b:4222') ?? '', 'several servers with commas between')
  assert.match(natsUrlMistake('nats://a,tls://b') ?? '', 'with TLS and without')
  assert.match(natsUrlMistake('nats://u:1@a,nats://u:2@b') ?? '', 'several users')
  assert.match(natsUrlMistake('nats://a,nats://u:1/2@b') ?? '', /unencoded|is not a/)
})

test('one database has one place, however it is spelled', () => {
  assert.is(databasePlace('postgres://a:b@Host/db'), databasePlace('postgresql://HOST:5432/db?sslmode=require'))
  assert.is.not(databasePlace('postgres://host/db'), databasePlace('postgres://host:5433/db'))
  assert.is.not(databasePlace('postgres://host/db'), databasePlace('postgres://host/DB'))
})

test('the nearest name is found over a slip, and not over another word', () => {
  const known = ['iam', 'modeling', 'comments', 'chat']
  for (const [typed, meant] of [
    ['modelling', 'modeling'],
    ['coments', 'comments'],
    ['IAM', 'iam'],
    ['imodeling', 'modeling'],
    ['caht', 'chat'],
    ['billing', null],
    ['', null],
  ] as const)
    assert.is(nearestName(typed, known), meant, typed)
})

test('an edit distance is a metric', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 7 })
  fc.assert(
    fc.property(letters, letters, (one, other) => {
      assert.is(editDistance(one, other), editDistance(other, one))
      assert.is(editDistance(one, other) === 0, one === other)
      assert.ok(editDistance(one, other) <= Math.max(one.length, other.length))
    }),
  )
  assert.is(editDistance('ab', 'ba'), 1)
})

test('no password is left in a text, however it stands there', () => {
  const password = fc.string({ unit: fc.constantFrom(...'Kq7%/@:x'), minLength: 6, maxLength: 12 })
  fc.assert(
    fc.property(password, (secret) => {
      const url = `postgres://user:${encodeURIComponent(secret)}@host:5432/database`
      const raw = `postgres://user:${secret}@host:5432/database`
      const text = withoutSecrets(`cannot use ${url} or ${raw}, or "${secret}"`, [url, raw])
      assert.not.ok(text.includes(secret), text)
      assert.not.ok(text.includes(encodeURIComponent(secret)), text)
      assert.match(text, '@host:5432/database')
    }),
  )
})

test('the passwords of several servers are hidden', () => {
  const url = 'nats://user:hidden-1@a:4222,nats://user:hidden-1@b:4222'
  assert.is(withoutSecrets(`${url} hidden-1`, [url]), 'nats://user:***@a:4222,nats://user:***@b:4222 ***')
})

test('a short password is hidden in a URL, and other words keep theirs', () => {
  const url = 'postgres://iam:iam@host/iam'
  assert.is(withoutSecrets(`service iam: ${url}`, [url]), 'service iam: postgres://iam:***@host/iam')
})

test.run()
