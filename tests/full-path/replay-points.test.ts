// deadline: 180 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { digestsOf } from '../../consumers/replay/compare-copies.ts'
import { parsePoint } from '../../consumers/replay/point.ts'
import { dryRun, rebuildInto } from '../../consumers/replay/rebuild-elsewhere.ts'
import type { Totals } from '../../infra/verify/report.ts'
import { runSql } from '../consumers/with-service.ts'
import { withDatabase, withDatabases } from '../with-servers.ts'
import { CLUB, CLUB_TABLES, ID } from './club.ts'
import { type Following, withFollowing } from './following.ts'
import { replayingOf, serviceOf } from './replaying.ts'

/** What is written, and then how the moment behind it is named. */
const HISTORY = [
  {
    writes: [
      'UPDATE "Person" SET age = age + 1 WHERE age % 3 = 0',
      'DELETE FROM "Person" WHERE age % 17 = 0',
      'UPDATE "Card" SET id = id + 10000 WHERE id % 50 = 0',
    ],
    point: 'marker',
  },
  {
    writes: [
      'TRUNCATE "Card"',
      `INSERT INTO "Card" SELECT n, ${ID(2)}, 'again ' || n FROM generate_series(1, 20) AS n`,
    ],
    point: 'lsn',
  },
  {
    writes: [
      `INSERT INTO "Person" (id, email) SELECT md5('p' || n)::uuid, 'p' || n FROM generate_series(1, 30) AS n`,
      `UPDATE "Person" SET bio = repeat('é', 3000), rate = 1e-7 WHERE email LIKE 'p%'`,
      'DELETE FROM "Card" WHERE id % 2 = 0',
    ],
    point: 'time',
  },
] as const

type Digests = ReadonlyMap<string, Totals>

/** Writes the history, and tells of each point how it is named and what the monolith had there. */
async function writeHistory(following: Following, url: string): Promise<{ name: string; digests: Digests }[]> {
  const { service } = serviceOf(following, 'people')
  const points: { name: string; digests: Digests }[] = []
  for (const [index, { point, writes }] of HISTORY.entries()) {
    await runSql(url, writes)
    await following.mark(`point ${index}`)
    const [lsn = ''] = await runSql(url, ['SELECT pg_current_wal_insert_lsn()'])
    const [time = ''] = await runSql(url, [
      `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
    ])
    const name = { marker: `point ${index}`, lsn, time }[point]
    points.push({ name, digests: await digestsOf({ target: following.monolith, service }, 2) })
    await following.settle()
  }
  // Later than all: a time is a point only where the log shows that something came after it.
  await runSql(url, ['UPDATE "Person" SET age = 0', 'TRUNCATE "Card"'])
  await following.settle()
  return points
}

async function withHistory<Result>(
  use: (following: Following, points: readonly { name: string; digests: Digests }[]) => Promise<Result>,
): Promise<Result> {
  return await withDatabase(async (url) => {
    await runSql(url, CLUB_TABLES)
    return await withFollowing(CLUB, url, async (following) => {
      await following.settle()
      return await use(following, await writeHistory(following, url))
    })
  })
}

test('a service is rebuilt as it was at a marker, at a position and at a time, to the byte of what the monolith had', () =>
  withHistory(async (following, points) =>
    withDatabases(
      points.map((_, index) => `then${index}`),
      async (urls) => {
        const { service } = serviceOf(following, 'people')
        for (const [index, { digests, name }] of points.entries()) {
          const target = { title: 'another database', variable: '--into', url: urls[`then${index}`] ?? '' }
          await rebuildInto(replayingOf(following), { service, database: target }, parsePoint(name))
          assert.equal(await digestsOf({ target, service }, 2), digests, name)
        }
      },
    ),
  ))

test('a dry run tells how the tables in use differ from what they were, or that they do not, and leaves nothing', () =>
  withHistory(async (following, [first]) => {
    const live = serviceOf(following, 'people')
    const now = await dryRun(replayingOf(following), live, { limit: 3, until: null })
    assert.equal(
      now.tables.map(({ entity, equal }) => [entity, equal]),
      [
        ['Person', true],
        ['Card', true],
      ],
    )
    const then = await dryRun(replayingOf(following), live, { limit: 3, until: parsePoint(first?.name ?? '') })
    assert.equal(
      then.tables.map(({ rebuilt }) => rebuilt),
      [...(first?.digests.values() ?? [])],
    )
    assert.equal(
      then.tables.map(({ differences, equal }) => [equal, differences.rows.length]),
      [
        [false, 3],
        [false, 3],
      ],
    )
    const scratch = await runSql(live.database.url, [
      `SELECT datname FROM pg_database WHERE datname LIKE 'scission\\_replay%'`,
    ])
    assert.equal(scratch, [])
    await following.assertEqual()
  }))

test.run()
