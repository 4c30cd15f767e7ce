// deadline: 240 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { contractSet } from '../../contracts/language/contract-set.ts'
import { entity, service } from '../../contracts/language/entity.ts'
import { integer, text } from '../../contracts/language/types.ts'
import { prepare } from '../../infra/prepare/prepare.ts'
import { withSession } from '../../infra/postgres/session.ts'
import { withSmallDiskNats } from '../small-disk-nats.ts'
import { withDatabase } from '../with-servers.ts'
import { type Split, withSplit } from './split.ts'

const set = contractSet('archive', {
  services: { papers: service({ Paper: entity({ id: integer(), content: text() }, { key: ['id'] }) }) },
})

/** What no compression makes smaller: 24 MB of digests. */
const ROWS = 6_000
const MONOLITH = `
  CREATE TABLE public."Paper" (id integer PRIMARY KEY, content text NOT NULL);
  INSERT INTO public."Paper" SELECT n, (SELECT string_agg(md5(n || '/' || part), '') FROM generate_series(1, 125) AS part)
    FROM generate_series(1, ${ROWS}) AS n`

const ROOM_BYTES = 6 * 1024 * 1024

const FULL =
  /^Stream \w+_PAPERS takes no more messages \(.*no space left on device.*\): the broker's disk is full\. Waiting for room, up to 120 s: free space there/
const SILENT =
  /^Stream \w+_PAPERS is there and does not store message \d+, without a word: see the log of nats-server; where its disk was full, free space there and restart it\. Waiting, up to 120 s\.$/
const STAYED_FULL = /the broker's disk is full, and no room was made in 4 s: free space there/
const STAYED_SILENT = /^NATS has not stored message \d+ of stream \w+_PAPERS for 4 s \(.*TIMEOUT\): see the log/

async function withArchive(
  natsUrl: string,
  manner: { readonly maxOutageMs?: number; readonly onNotice?: (text: string) => void },
  use: (split: Split) => Promise<void>,
): Promise<void> {
  await withDatabase(async (url) => {
    const target = { title: 'the monolith', variable: 'MONOLITH_DATABASE_URL', url }
    await withSession(target, { purpose: 'test' }, async (client) => void (await client.query(MONOLITH)))
    await withSplit(set, url, use, { natsUrl, ...manner })
  })
}

async function loadAndCompare(split: Split): Promise<void> {
  const [outcome] = await split.consume()
  assert.is(outcome?.rows, ROWS)
  await split.assertEqual()
}

test('a full disk at the broker is waited for visibly, and publishing goes on by itself once there is room', async () => {
  const isRun = await withSmallDiskNats(ROOM_BYTES, async (nats) => {
    const notices: string[] = []
    const manner = { maxOutageMs: 120_000, onNotice: (said: string): void => void notices.push(said) }
    await withArchive(nats.url, manner, async (split) => {
      await prepare(split, { withSlot: true, dryRun: false })
      const publishing = split.publish()
      await Promise.race([publishing, untilSome(notices)])
      await sleep(2000)
      assert.is(notices.length, 1, notices.join('\n'))
      assert.match(notices[0] ?? '', nats.tellsOfFullDisk ? FULL : SILENT)
      await nats.makeRoom()
      assert.is((await publishing).outcome, 'closed')
      // A broker that was started again was away meanwhile, which is said as well.
      assert.match(notices.at(-1) ?? '', /takes messages again\.$/)
      await loadAndCompare(split)
    })
  })
  sayWhetherRun(isRun)
})

test('a disk that stays full ends publish with 5, and a later run goes on', async () => {
  const isRun = await withSmallDiskNats(ROOM_BYTES, (nats) =>
    withArchive(nats.url, { maxOutageMs: 4000 }, async (split) => {
      await prepare(split, { withSlot: true, dryRun: false })
      const failure = await split.publish().then(
        () => null,
        (error: unknown) => error as { exitCode?: number; message?: string },
      )
      assert.is(failure?.exitCode, 5)
      const said = failure?.message ?? ''
      assert.match(said, nats.tellsOfFullDisk ? STAYED_FULL : STAYED_SILENT, said)
      await nats.makeRoom()
      assert.is((await split.publish()).outcome, 'closed')
      await loadAndCompare(split)
    }),
  )
  sayWhetherRun(isRun)
})

/** Where CI is set it does not come to this. */
function sayWhetherRun(isRun: boolean): void {
  if (!isRun) console.error('Not run: this system lets nobody mount a file system.')
}

async function untilSome(notices: readonly string[]): Promise<void> {
  while (notices.length === 0) await sleep(50)
}

test.run()
