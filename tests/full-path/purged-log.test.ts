// deadline: 240 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Failure } from '../../contracts/failure.ts'
import { prepare } from '../../infra/prepare/prepare.ts'
import { runSql } from '../command-line/shop.ts'
import { failureOf, inTime } from '../publisher/with-log.ts'
import {
  beginAnew,
  type ChangedLog,
  endingsOf,
  LAX,
  NOTICE_LIMIT_MS,
  refusalsOf,
  untilRead,
  withChangedLog,
} from './changed-log.ts'
import { untilFollowed } from './following.ts'

function assertSays({ exitCode, message }: Failure, said: string | RegExp): void {
  assert.match(message, said)
  assert.is(exitCode, 4)
}

async function lastSequence({ streamOf, withStreams }: ChangedLog, service: string): Promise<number> {
  return await withStreams(async (streams) => (await streams.info(streamOf(service))).state.last_seq)
}

test('a stream that prepare has made is not purged, and does not let its protection be taken back', () =>
  withChangedLog({}, async ({ streamOf, withStreams }) => {
    await withStreams(async (streams) => {
      const said = async (action: Promise<unknown>): Promise<string> => await action.then(String, String)
      const name = streamOf('people')
      assert.match(await said(streams.purge(name)), 'not permitted')
      assert.match(await said(streams.deleteMessage(name, 1)), 'not permitted')
      for (const settings of [{ deny_purge: false }, { deny_delete: false }])
        assert.match(await said(streams.update(name, settings)), /can not cancel deny/)
    })
  }))

test('a stream that is purged while it is followed ends publisher and consumer in seconds, though nobody writes', () =>
  withChangedLog(LAX, async (log) => {
    await log.settle()
    const purge = async (): Promise<void> =>
      void (await log.withStreams(async (streams) => await streams.purge(log.streamOf('people'))))
    const { publisher, consumer } = await endingsOf(log, purge)
    const hole =
      /^Stream \w+_PEOPLE does not hold its message \d+: messages were removed from the log, which must stay whole; /
    assertSays(publisher, hole)
    assertSays(consumer, hole)
    assert.match(publisher.message, 'begin anew with publish --new-epoch')
    assert.match(consumer.message, 'begin a new epoch with publish --new-epoch')
    const later = await refusalsOf(log)
    assertSays(
      later.publisher,
      /^The stream of service people does not hold its last message \(\d+\): .*: begin anew with --new-epoch\.$/,
    )
    assertSays(later.consumer, /^Stream \w+_PEOPLE goes up to message \d+ and does not hold the beginning of epoch 1: /)
    assert.is(await beginAnew(log), 2)
  }))

test('a stream whose older part is purged ends the publisher, and a service that has applied it goes on', () =>
  withChangedLog(LAX, async (log) => {
    await log.settle()
    log.consumed.length = 0
    const publishing = failureOf(log.follow('never'))
    await untilFollowed(log.published)
    await log.withConsumers(async () => {
      await untilRead(log)
      await log.withStreams(async (streams) => await streams.purge(log.streamOf('places'), { seq: 4 }))
      assertSays(
        await inTime(NOTICE_LIMIT_MS, publishing),
        /^Stream \w+_PLACES does not hold its message 1: messages were removed/,
      )
    })
    assertSays(
      await failureOf(log.follow('never')),
      /^The stream of service places does not hold its message 1: .* begin anew with --new-epoch\.$/,
    )
    assert.is(await beginAnew(log), 2)
  }))

test('messages that are removed before a consumer has read them are missed by it, whether others come after them or not', () =>
  withChangedLog(LAX, async (log) => {
    await log.settle()
    const before = await lastSequence(log, 'people')
    await runSql(log.monolith.url, ['UPDATE "Person" SET age = 1', 'UPDATE "Person" SET age = 2'])
    const publishing = log.follow('written')
    await untilFollowed(log.published)
    await log.mark('written')
    await publishing
    const last = await lastSequence(log, 'people')
    await log.withStreams(async (streams) => {
      for (let sequence = before + 1; sequence < last; sequence += 1)
        await streams.deleteMessage(log.streamOf('people'), sequence)
    })
    const hole = new RegExp(`^Stream \\w+_PEOPLE does not hold its message ${before + 1}: messages were removed`)
    assertSays(await inTime(NOTICE_LIMIT_MS, failureOf(log.catchUp())), hole)
    await log.withStreams(async (streams) => await streams.deleteMessage(log.streamOf('people'), last))
    assertSays(await inTime(NOTICE_LIMIT_MS, failureOf(log.catchUp())), hole)
    assert.is(await beginAnew(log), 2)
  }))

test('a stream that is deleted while it is followed ends both, and what each says leads out', () =>
  withChangedLog({}, async (log) => {
    await log.settle()
    const remove = async (): Promise<void> =>
      void (await log.withStreams(async (streams) => await streams.delete(log.streamOf('people'))))
    const { publisher, consumer } = await endingsOf(log, remove)
    assertSays(
      publisher,
      /^Stream \w+_PEOPLE was deleted while publish wrote to it: run prepare, then begin anew with publish --new-epoch\.$/,
    )
    assertSays(
      consumer,
      /^Stream \w+_PEOPLE was deleted while it was read: run prepare, then publish --new-epoch, then this command again\.$/,
    )
    const later = await refusalsOf(log)
    for (const refusal of [later.publisher, later.consumer])
      assertSays(refusal, /^There is no stream \w+_PEOPLE: run prepare first\.$/)
    await prepare(log, { withSlot: true, dryRun: false })
    const prepared = await refusalsOf(log)
    assertSays(
      prepared.publisher,
      /is without entity Person of service people: .*, or the service's stream was made anew: begin anew with --new-epoch\.$/,
    )
    assertSays(
      prepared.consumer,
      /^Service people has applied message \d+ of epoch 1, which stream \w+_PEOPLE does not hold: .* or was made anew; .* begin a new epoch/,
    )
    assert.is(await beginAnew(log), 2)
  }))

test('a stream that is deleted and made anew while it is followed ends both', () =>
  withChangedLog({}, async (log) => {
    await log.settle()
    const { publisher, consumer } = await endingsOf(log, async () => await log.remake('people', {}))
    assertSays(
      publisher,
      /^Stream \w+_PEOPLE was made anew while publish wrote to it: its log is lost; run prepare, then begin anew with publish --new-epoch\.$/,
    )
    assertSays(consumer, /^Service people has applied message \d+ of epoch 1, which stream \w+_PEOPLE does not hold: /)
    await prepare(log, { withSlot: true, dryRun: false })
    assert.is(await beginAnew(log), 2)
  }))

test('a log whose streams were all deleted is not begun beside its slot, and its next epoch is none that services know', () =>
  withChangedLog({}, async (log) => {
    await log.settle()
    await log.withStreams(async (streams) => {
      for (const { service } of log.services) await streams.delete(log.streamOf(service.name))
    })
    await prepare(log, { withSlot: true, dryRun: false })
    const { publisher, consumer } = await refusalsOf(log)
    assertSays(
      publisher,
      /^Slot \w+ exists and this log does not know it: if it is left over, begin anew with --new-epoch;/,
    )
    assertSays(consumer, / has applied message \d+ of epoch 1, which stream \w+ does not hold: /)
    assert.is(await beginAnew(log), 2)
  }))

test.run()
