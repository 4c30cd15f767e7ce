// deadline: 240 s
import { setTimeout as sleep } from 'node:timers/promises'
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from 'nats'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Failure } from '../../contracts/failure.ts'
import { prepare } from '../../infra/prepare/prepare.ts'
import { runSql } from '../command-line/shop.ts'
import { failureOf, inTime } from '../publisher/with-log.ts'
import { beginAnew, type ChangedLog, NOTICE_LIMIT_MS, withChangedLog } from './changed-log.ts'
import { untilFollowed } from './following.ts'

const SECOND = 1_000_000_000

function assertSays({ exitCode, message }: Failure, said: RegExp): void {
  assert.match(message, said)
  assert.is(exitCode, 4)
}

async function edit({ streamOf, withStreams }: ChangedLog, settings: Partial<StreamConfig>): Promise<void> {
  await withStreams(async (streams) => await streams.update(streamOf('people'), settings))
}

async function untilEmpty({ streamOf, withStreams }: ChangedLog): Promise<void> {
  await withStreams(async (streams) => {
    while ((await streams.info(streamOf('people'))).state.messages > 0) await sleep(100)
  })
}

/** What a publisher ends with that follows while a stream is changed. */
async function endingOf(log: ChangedLog, change: () => Promise<unknown>): Promise<Failure> {
  const publishing = failureOf(log.follow('never'))
  await Promise.race([publishing, untilFollowed(log.published)])
  await change()
  return await inTime(NOTICE_LIMIT_MS, publishing)
}

test('a stream whose settings were made unsafe is not written to, and is again when they are put right', () =>
  withChangedLog({}, async (log) => {
    await log.settle()
    const whole = await log.withStreams(async (streams) => (await streams.info(log.streamOf('people'))).config)
    const changes: readonly (readonly [Partial<StreamConfig>, RegExp])[] = [
      [{ max_age: 86_400 * SECOND }, /max_age 86400 s \(drops messages by age\)/],
      [{ max_msgs: 1_000_000 }, /max_msgs 1000000 /],
      [{ max_msgs_per_subject: 1_000_000 }, /max_msgs_per_subject 1000000 /],
      [{ max_bytes: 1_000_000_000, discard: DiscardPolicy.Old }, /discard old /],
      [{ subjects: [...whole.subjects, `${log.prefix}_more`] }, /subjects \w+\.people\.>, \w+_more /],
      // By it a message goes as soon as somebody has read it: publish must not read the log then.
      [{ retention: RetentionPolicy.Interest }, /retention interest \(drops messages that were read\)/],
    ]
    for (const [change, said] of changes) {
      await edit(log, change)
      const failure = await inTime(NOTICE_LIMIT_MS, failureOf(log.follow('never')))
      assertSays(failure, said)
      assertSays(
        failure,
        /^Stream \w+_PEOPLE has settings by which the log could lose messages: .*; correct them with "nats stream edit \w+_PEOPLE", then run publish again, which says whether any is lost\.$/,
      )
      await edit(log, whole)
    }
    // The same while it is followed: nothing is lost by then.
    assertSays(await endingOf(log, async () => await edit(log, { max_msgs: 1_000_000 })), /: max_msgs 1000000 /)
    await runSql(log.monolith.url, ['UPDATE "Person" SET age = 7'])
    await edit(log, whole)
    await log.settle()
  }))

test('an age that is given to a stream while it is followed ends the publisher, and what it dropped is found missing', () =>
  withChangedLog({}, async (log) => {
    await log.settle()
    const failure = await endingOf(log, async () => await edit(log, { max_age: SECOND }))
    assertSays(failure, /: max_age 1 s \(drops messages by age\); /)
    await inTime(NOTICE_LIMIT_MS, untilEmpty(log))
    await edit(log, { max_age: 0 })
    const later = await inTime(NOTICE_LIMIT_MS, failureOf(log.follow('never')))
    assertSays(
      later,
      /^The stream of service people does not hold its last message \(\d+\): .*: begin anew with --new-epoch\.$/,
    )
    assert.is(await beginAnew(log), 2)
  }))

for (const [what, settings] of [
  ['sealed', { sealed: true }],
  ['storage memory', { storage: StorageType.Memory }],
] as const)
  test(`a stream that is for good what a log cannot use (${what}) is deleted, made by prepare, and written anew`, () =>
    withChangedLog({}, async (log) => {
      await log.settle()
      const spoil = async (): Promise<void> =>
        'sealed' in settings ? await edit(log, settings) : await log.remake('people', settings)
      const failure = await endingOf(log, spoil)
      assertSays(
        failure,
        what === 'sealed' ? /sealed \(takes no message any more\)/ : /was made anew while publish wrote to it/,
      )
      const later = await inTime(NOTICE_LIMIT_MS, failureOf(log.follow('never')))
      assertSays(
        later,
        new RegExp(
          `${what} .*; no server takes that back: delete it with "nats stream rm \\w+_PEOPLE", run prepare, then begin anew with publish --new-epoch\\.$`,
        ),
      )
      await log.withStreams(async (streams) => await streams.delete(log.streamOf('people')))
      await prepare(log, { withSlot: true, dryRun: false })
      assert.is(await beginAnew(log), 2)
    }))

test.run()
