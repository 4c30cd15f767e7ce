import { randomUUID } from 'node:crypto'
import type { NatsConnection } from 'nats'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { FoundPoint } from '../../../consumers/replay/decide-point.ts'
import { findPoint } from '../../../consumers/replay/find-point.ts'
import { parsePoint } from '../../../consumers/replay/point.ts'
import { Failure } from '../../../contracts/failure.ts'
import { lsnText } from '../../../contracts/positions.ts'
import { encodeChange } from '../../../contracts/wire/encode-message.ts'
import type { ChangeRun, WireChange } from '../../../contracts/wire/message.ts'
import { shapeOf } from '../../../contracts/wire/shape.ts'
import { withNats } from '../../../infra/nats/connect.ts'
import { withPrefix } from '../../with-servers.ts'
import { Customer } from '../complete-snapshot.ts'
import { run, send } from '../following/changes.ts'
import { HandWrittenLog } from '../hand-written-log.ts'
import { entityNamed, sales } from '../shop.ts'

interface Place {
  readonly log: HandWrittenLog
  readonly find: (until: string, signal?: AbortSignal) => Promise<string>
  readonly refuses: (until: string, says: RegExp) => Promise<void>
}

async function withLog(use: (place: Place) => Promise<void>): Promise<void> {
  await withPrefix(async (prefix, { url }) =>
    withNats({ url, credentialsFile: null, caFile: null }, 'test', async (connection) => {
      const log = new HandWrittenLog(connection, prefix, sales.name)
      await log.create()
      const find = async (until: string, signal?: AbortSignal): Promise<string> =>
        foundText(await findPoint(pointLog(connection, prefix, signal), parsePoint(until)))
      const refuses = async (until: string, says: RegExp): Promise<void> => {
        const error = await find(until).then(
          (found) => new Error(`found ${found}`),
          (thrown: unknown) => thrown,
        )
        if (!(error instanceof Failure)) throw error
        assert.is(error.exitCode, 4)
        assert.match(error.message, says)
      }
      await use({ log, find, refuses })
    }),
  )
}

function pointLog(connection: NatsConnection, prefix: string, signal?: AbortSignal): Parameters<typeof findPoint>[0] {
  return { connection, prefix, service: sales.name, ...(signal && { signal }) }
}

function foundText({ committedAt, lastSequence, lsn }: FoundPoint): string {
  return `${lsnText(lsn)}, ${committedAt}, ${lastSequence}`
}

/** Microseconds of a second in the minute of the manifest. */
const second = (number: number): number => Date.UTC(2024, 0, 1, 0, 0, number) * 1_000

const insert = (id: number, note = 'note'): WireChange => [0, 'I', [id, `name ${id}`, note]]

function committed(lsn: string, at: number, changes: readonly WireChange[] = [insert(1)], last = true): ChangeRun {
  return { ...run(changes, { lsn, last }), committedAt: second(at) }
}

/** Messages 1 to 6; the consistency point is 0/100, and the manifest was closed in second 1. */
async function writeSnapshot(log: HandWrittenLog): Promise<void> {
  await log.begin()
  await log.announce(Customer)
  await log.page(Customer, [[1, 'one', null]])
  await log.page(Customer, [[2, 'two', null]], { page: 1 })
  await close(log)
}

async function close(log: HandWrittenLog, consistencyPoint = '0/100'): Promise<void> {
  const of = { entities: [], snapshot: '10:10:', closedAt: '2024-01-01T00:00:01.000Z' }
  await log.control('manifest', { ...of, consistencyPoint })
}

test('a point is found among changes and markers, whatever stands between them', () =>
  withLog(async ({ find, log }) => {
    await writeSnapshot(log)
    await send(log, committed('0/110', 10), committed('0/120', 20))
    await log.control('marker', { name: 'noon', lsn: '0/128' })
    await send(log, committed('0/130', 15), committed('0/140', 40, [insert(3)], false))
    await send(log, committed('0/140', 40, [insert(4)]))
    await log.control('marker', { name: 'end', lsn: '0/150' })

    assert.is(await find('0/100'), `0/100, null, 6`)
    assert.is(await find('0/110'), `0/110, null, 6`)
    assert.is(await find('0/111'), `0/111, ${second(10)}, 7`)
    assert.is(await find('0/150'), `0/150, ${second(40)}, 10`)
    assert.is(await find('noon'), `0/128, ${second(20)}, 7`)
    assert.is(await find('end'), `0/150, ${second(40)}, 10`)
    assert.is(await find('2024-01-01T00:00:01Z'), `0/110, null, 6`)
    assert.is(await find('2024-01-01T00:00:10Z'), `0/120, ${second(10)}, 7`)
    assert.is(await find('2024-01-01T01:00:19.999999+01:00'), `0/120, ${second(10)}, 7`)
    assert.is(await find('2024-01-01T00:00:39.999999Z'), `0/140, ${second(15)}, 9`)
    assert.is(await find('2024-01-01T00:00:40Z'), `0/141, ${second(40)}, 10`)
  }))

test('of several markers of one name the last one holds', () =>
  withLog(async ({ find, log }) => {
    await writeSnapshot(log)
    await log.control('marker', { name: 'again', lsn: '0/108' })
    await send(log, committed('0/110', 10))
    await log.control('marker', { name: 'again', lsn: '0/118' })
    assert.is(await find('again'), `0/118, ${second(10)}, 8`)
  }))

test('changes that travel in parts, or in one long run, are found too', () =>
  withLog(async ({ find, log }) => {
    await writeSnapshot(log)
    const runs = [committed('0/110', 10, [insert(1, 'x'.repeat(5_000))])]
    const payload = encodeChange(
      { v: 1, kind: 'change', epoch: 1, runs },
      () => shapeOf(entityNamed('Customer')).columns,
    )
    const parts = log.parts(payload, 2_000)
    for (const part of parts.slice(0, 2)) await log.send('change.Customer', part)
    log.writer = randomUUID()
    for (const part of log.parts(payload, 2_000)) await log.send('change.Customer', part)
    const many = Array.from({ length: 200 }, (_, index): WireChange => [index, 'I', [index, `name ${index}`, null]])
    await send(log, committed('0/120', 20, many))
    assert.is(await find('0/111'), `0/111, ${second(10)}, ${6 + 2 + parts.length}`)
    assert.is(await find('2024-01-01T00:00:20Z'), `0/121, ${second(20)}, ${await log.length()}`)
  }))

test('what the log does not have exactly is refused', () =>
  withLog(async ({ log, refuses }) => {
    await writeSnapshot(log)
    await log.control('marker', { name: 'early', lsn: '0/F0' })
    await send(log, committed('0/F8', 0), committed('0/110', 10))
    await log.control('marker', { name: 'evening', lsn: '0/118' })
    await log.control('marker', { name: 'verify evenin', lsn: '0/119' })

    await refuses('0/FF', /^Service sales .* position 0\/FF: .* consistency point 0\/100 on/)
    await refuses('early', /^Service sales .* marker "early" \(0\/F0\): .* consistency point 0\/100 on/)
    await refuses('2024-01-01T00:00:00.999999Z', /^Service sales .* consistency point 0\/100 on/)
    await refuses('0/11A', /^The log of service sales does not reach .*: it ends at 0\/119/)
    await refuses('2024-01-01T00:00:10.000001Z', /^The log .* was committed at 2024-01-01T00:00:10.000000Z/)
    await refuses('evenning', /no marker "evenning" in its present epoch, and has "evening":/)
    await refuses('dawn', /no marker "dawn" in its present epoch: /)
  }))

test('a log whose newest snapshot is not closed has no points', () =>
  withLog(async ({ find, log, refuses }) => {
    await refuses('0/100', /holds no snapshot of service sales yet: run publish first/)
    await log.begin()
    await log.announce(Customer)
    await refuses('0/100', /has not closed its snapshot of service sales yet/)
    await close(log)
    assert.is(await find('0/100'), '0/100, null, 4')
    await send(log, committed('0/110', 10))
    await log.announce(Customer, 2)
    await refuses('0/110', /is reading Customer of service sales anew/)
    await close(log, '0/118')
    await refuses('0/110', /consistency point 0\/118 on/)
    assert.is(await find('0/118'), `0/118, ${second(10)}, 8`)
  }))

test('a newer epoch has points of its own alone', () =>
  withLog(async ({ find, log, refuses }) => {
    await writeSnapshot(log)
    await send(log, committed('0/110', 10))
    await log.control('marker', { name: 'noon', lsn: '0/118' })
    await log.begin(2)
    await refuses('noon', /has not closed its snapshot/)
    await close(log, '0/200')
    await refuses('noon', /no marker "noon" in its present epoch/)
    await refuses('0/110', /consistency point 0\/200 on/)
    assert.is(await find('0/200'), '0/200, null, 10')
  }))

test('what cannot be read is refused by its place', () =>
  withLog(async ({ log, refuses }) => {
    await writeSnapshot(log)
    await log.send('change.Customer', Buffer.from('no message'))
    await refuses('0/100', /^Message 7 of stream \S+ cannot be read \(/)
  }))

test('a search ends when it is told to', () =>
  withLog(async ({ find, log }) => {
    await writeSnapshot(log)
    const reason = new Error('enough')
    await find('0/100', AbortSignal.abort(reason)).then(
      () => assert.unreachable(),
      (error: unknown) => assert.is(error, reason),
    )
  }))

test.run()
