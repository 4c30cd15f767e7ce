import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parsePoint, pointText, timeText } from '../../../consumers/replay/point.ts'
import { Failure } from '../../../contracts/failure.ts'
import { parseLsn } from '../../../contracts/positions.ts'

const timeOf = (text: string): string => {
  const point = parsePoint(text)
  return point.kind === 'time' ? timeText(point.at) : point.kind
}

function assertUsage(text: string, says: RegExp): void {
  try {
    parsePoint(text)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    assert.is(error.exitCode, 2, text)
    assert.match(error.message, says)
    return
  }
  assert.unreachable(text)
}

test('an LSN is taken as PostgreSQL prints it', () => {
  assert.equal(parsePoint('0/16B3748'), { kind: 'lsn', lsn: parseLsn('0/16B3748') })
  assert.equal(parsePoint('00000001/0000000a'), { kind: 'lsn', lsn: parseLsn('1/A') })
})

test('a time is taken with its offset, to the microsecond', () => {
  assert.is(timeOf('2026-03-01T12:00:00Z'), '2026-03-01T12:00:00.000000Z')
  assert.is(timeOf('2026-03-01T12:00Z'), '2026-03-01T12:00:00.000000Z')
  assert.is(timeOf('2026-03-01 12:00:00.123456+05:45'), '2026-03-01T06:15:00.123456Z')
  assert.is(timeOf('2026-03-01t12:00:00,1-0330'), '2026-03-01T15:30:00.100000Z')
  assert.is(timeOf('2026-03-01T00:00:00.000001+01'), '2026-02-28T23:00:00.000001Z')
  assert.is(timeOf('2026-03-01T12:00:00.1234567Z'), '2026-03-01T12:00:00.123456Z')
  assert.is(timeOf('2024-02-29T23:59:59.999999Z'), '2024-02-29T23:59:59.999999Z')
  assert.is(timeOf('1969-12-31T23:59:59.999999Z'), '1969-12-31T23:59:59.999999Z')
})

test('a time without an offset from UTC is refused', () => {
  assertUsage('2026-03-01T12:00:00', /no offset from UTC/)
  assertUsage('2026-03-01 12:00', /no offset from UTC/)
})

test('what is nearly a time or an LSN is refused, and not looked for as a marker', () => {
  for (const text of ['2026-02-30T12:00:00Z', '2026-13-01T12:00:00Z', '2026-03-01T24:00:00Z', '2026-03-01T12:00:60Z'])
    assertUsage(text, /is no time/)
  for (const text of [
    '2026-03-01',
    '2026-03',
    '2026-03-01T12Z',
    '2026-03-01T12:00:00+24:00',
    '2026-03-01T12:00:00+01:60',
  ])
    assertUsage(text, /is no time.*marker:/)
  assertUsage('123456789/0', /is no LSN.*marker:/)
})

test('anything else is a marker’s name, and so is what follows marker:', () => {
  assert.equal(parsePoint('before release 7'), { kind: 'marker', name: 'before release 7' })
  assert.equal(parsePoint('2026 spring'), { kind: 'marker', name: '2026 spring' })
  assert.equal(parsePoint('marker:0/16B3748'), { kind: 'marker', name: '0/16B3748' })
  assert.equal(parsePoint('marker:2026-03-01'), { kind: 'marker', name: '2026-03-01' })
  assert.equal(parsePoint('marker:marker:x'), { kind: 'marker', name: 'marker:x' })
  assertUsage('', /has no value/)
  assertUsage('marker:', /has no value/)
})

test('a point is told in a sentence', () => {
  assert.is(pointText(parsePoint('0/16b3748')), 'the position 0/16B3748')
  assert.is(pointText(parsePoint('a "b"')), String.raw`the marker "a \"b\""`)
  assert.is(pointText(parsePoint('2026-03-01T12:00:00+01:00')), 'the time 2026-03-01T11:00:00.000000Z')
})

test.run()
