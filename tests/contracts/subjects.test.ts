import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as fc from 'fast-check'
import {
  PREFIX_PATTERN,
  SEVERAL_ENTITIES,
  changeSubject,
  controlSubject,
  serviceSubjects,
  snapshotSubject,
  streamName,
  subjectToken,
} from '../../contracts/subjects.ts'
import hostile from '../hostile/contract-set.ts'

/** What no subject token may hold: white space, separators, wildcards, and what is not printable ASCII. */
const VALID_TOKEN = /^[!-)+\--=?-~]+$/

/** Any name that PostgreSQL can store: whole code points, but no NUL. */
const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((text) => !text.includes('\0'))
const nearlyEscaped = fc.string({ unit: fc.constantFrom(...'%2Eea. ~*>_-é'), minLength: 1, maxLength: 6 })
const names = fc.oneof(name, nearlyEscaped)

test('subjects are those of the design', () => {
  assert.is(streamName('archimodeler', 'iam'), 'ARCHIMODELER_IAM')
  assert.is(serviceSubjects('archimodeler', 'iam'), 'archimodeler.iam.>')
  assert.is(snapshotSubject('archimodeler', 'iam', 'User'), 'archimodeler.iam.snapshot.User')
  assert.is(changeSubject('archimodeler', 'iam', '_RoleToUser'), 'archimodeler.iam.change._RoleToUser')
  assert.is(controlSubject('archimodeler', 'iam', 'manifest'), 'archimodeler.iam.control.manifest')
})

test('an entity that NATS would not take as it is, is escaped as in a URL', () => {
  assert.is(subjectToken('a.b c*>'), 'a%2Eb%20c%2A%3E')
  assert.is(subjectToken('100%'), '100%25')
  assert.is(subjectToken('é😀'), '%C3%A9%F0%9F%98%80')
  assert.is(subjectToken('\n\t'), '%0A%09')
  assert.is(subjectToken('_Az-09'), '_Az-09')
})

test('no entity has the token that stands for several', () => {
  assert.is(subjectToken(SEVERAL_ENTITIES), '%7E')
  assert.is(subjectToken('%7E'), '%257E')
  assert.match(SEVERAL_ENTITIES, VALID_TOKEN)
})

test('property: a token is valid, and is read back as the name that it was, so that no two names share one', () => {
  fc.assert(
    fc.property(names, (text) => {
      const token = subjectToken(text)
      assert.match(token, VALID_TOKEN)
      assert.is(decodeURIComponent(token), text)
      assert.is.not(token, SEVERAL_ENTITIES)
    }),
  )
})

test('property: two names have two tokens', () => {
  fc.assert(
    fc.property(fc.uniqueArray(names, { minLength: 2, maxLength: 200 }), (several) => {
      assert.is(new Set(several.map(subjectToken)).size, several.length)
    }),
  )
})

test('every subject of a hostile contract set is one of its own service, and no other entity has it', () => {
  const subjects = hostile.services.flatMap((service) =>
    service.entities.flatMap((entity) => [
      snapshotSubject('p', service.name, entity.name),
      changeSubject('p', service.name, entity.name),
    ]),
  )
  assert.is(new Set(subjects).size, subjects.length)
  for (const subject of subjects) {
    assert.is(subject.split('.').length, 4, subject)
    for (const token of subject.split('.')) assert.match(token, VALID_TOKEN)
  }
})

test('a prefix is one token in lower case', () => {
  for (const good of ['archimodeler', 'a', 'staging_2', `a${'b'.repeat(30)}`]) assert.match(good, PREFIX_PATTERN)
  for (const bad of ['', 'A', '2a', '_a', 'a.b', 'a b', 'a-b', 'a*', 'a\n', `a${'b'.repeat(31)}`])
    assert.not.match(bad, PREFIX_PATTERN)
})

test('property: a stream has a name that NATS takes, and two services of one prefix have two', () => {
  const services = fc.stringMatching(/^[a-z][a-z0-9_]{0,30}$/)
  fc.assert(
    fc.property(services, services, services, (prefix, one, other) => {
      assert.match(streamName(prefix, one), /^[A-Z0-9_]+$/)
      assert.is(streamName(prefix, one) === streamName(prefix, other), one === other)
    }),
  )
})

test.run()
