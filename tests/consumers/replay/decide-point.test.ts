import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type Bound,
  type Committed,
  decidePoint,
  EMPTY_PREFIX,
  extendPrefix,
  type FoundPoint,
  type Prefix,
} from '../../../consumers/replay/decide-point.ts'
import type { LogControls } from '../../../consumers/replay/log-controls.ts'
import { Failure } from '../../../contracts/failure.ts'
import { type Lsn, parseLsn } from '../../../contracts/positions.ts'
import { seededRandom } from '../../hostile/random.ts'

const lsnOf = (value: number): Lsn => parseLsn(`0/${value.toString(16)}`)

interface History {
  readonly commits: readonly Committed[]
  readonly consistencyPoint: number
  readonly closedAt: number
  readonly markerHead: number
}

function prefixOf(commits: readonly Committed[], bound: Bound): Prefix {
  return commits.reduce((prefix, next, index) => extendPrefix(prefix, bound, next, index + 10), EMPTY_PREFIX)
}

function decided({ closedAt, commits, consistencyPoint, markerHead }: History, bound: Bound): FoundPoint | string {
  const manifest = { sequence: 5, consistencyPoint: lsnOf(consistencyPoint), closedAt }
  const controls: LogControls = { manifest, markerHead: lsnOf(markerHead) }
  try {
    return decidePoint({ service: 'sales', point: bound, bound, controls, prefix: prefixOf(commits, bound) })
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    assert.is(error.exitCode, 4)
    assert.match(error.message, /^[^\n]*\.$/)
    return error.message
  }
}

function refusal(history: History, bound: Bound): string {
  const found = decided(history, bound)
  return typeof found === 'string' ? found : `found ${found.lsn}`
}

/** The same by looking at everything at once: which transactions are applied, or why none may be. */
function oracle({ closedAt, commits, consistencyPoint, markerHead }: History, bound: Bound): number | string {
  const lsns = commits.map(({ lsn }) => Number(lsn))
  if (bound.kind === 'lsn') {
    const point = Number(bound.lsn)
    if (point < consistencyPoint) return 'consistency'
    return point > Math.max(0, ...lsns, markerHead, consistencyPoint)
      ? 'reach'
      : lsns.filter((lsn) => lsn < point).length
  }
  const later = commits.findIndex(({ committedAt }) => committedAt > bound.at)
  const applied = later < 0 ? commits : commits.slice(0, later)
  const isProven = bound.at >= closedAt || applied.some(({ lsn }) => Number(lsn) >= consistencyPoint)
  if (!isProven || (later >= 0 && (lsns[later] ?? 0) < consistencyPoint)) return 'consistency'
  if (later < 0 && !commits.some(({ committedAt }) => committedAt >= bound.at)) return 'reach'
  return applied.length
}

test('for random histories the point is what a look at all of it says', () => {
  const random = seededRandom(7)
  const below = random
  const seen = new Map<string, number>()
  for (let round = 0; round < 20_000; round++) {
    let lsn = 1 + below(5)
    const commits = Array.from({ length: below(8) }, (_, index) => ({
      lsn: lsnOf((lsn += 1 + below(4))),
      committedAt: 100 + index * 3 + below(12),
      last: true,
    }))
    const history = { commits, consistencyPoint: 1 + below(lsn), closedAt: 95 + below(30), markerHead: below(lsn + 8) }
    const bound: Bound =
      below(2) === 0 ? { kind: 'lsn', lsn: lsnOf(below(lsn + 10)) } : { kind: 'time', at: 90 + below(50) }
    const expected = oracle(history, bound)
    const found = decided(history, bound)
    const outcome = typeof found === 'string' ? (/exact only/.test(found) ? 'consistency' : 'reach') : 'found'
    seen.set(`${bound.kind} ${outcome}`, (seen.get(`${bound.kind} ${outcome}`) ?? 0) + 1)
    if (typeof found === 'string') assert.is(outcome, expected)
    else {
      const applied = commits.filter((commit) => commit.lsn < found.lsn)
      assert.is(applied.length, expected)
      assert.is(found.committedAt, applied.at(-1)?.committedAt ?? null)
      assert.is(found.lastSequence, applied.length === 0 ? 5 : applied.length + 9)
      assert.ok(found.lsn >= lsnOf(history.consistencyPoint))
    }
  }
  assert.is(seen.size, 6)
  for (const [outcome, times] of seen) assert.ok(times > 500, `${outcome}: ${times}`)
})

const commit = (lsn: number, committedAt: number, last = true): Committed => ({ lsn: lsnOf(lsn), committedAt, last })
const quiet = { consistencyPoint: 10, closedAt: 100, markerHead: 0 }

test('a time ends at the first later commit, though earlier ones come behind it', () => {
  const commits = [commit(11, 110), commit(12, 130), commit(13, 115)]
  assert.equal(decided({ ...quiet, commits }, { kind: 'time', at: 120 }), {
    lsn: lsnOf(12),
    committedAt: 110,
    lastSequence: 10,
  })
})

test('the time of the last commit means all of the log', () => {
  const found = decided({ ...quiet, commits: [commit(11, 110), commit(12, 130)] }, { kind: 'time', at: 130 })
  assert.equal(found, { lsn: lsnOf(13), committedAt: 130, lastSequence: 11 })
})

test('a transaction whose end the log does not have is not reached', () => {
  const commits = [commit(11, 110), commit(12, 111, false)]
  const refused = /^The log .* ends within the transaction at 0\/C;/
  assert.match(refusal({ ...quiet, commits }, { kind: 'time', at: 120 }), refused)
  assert.match(refusal({ ...quiet, commits }, { kind: 'lsn', lsn: lsnOf(13) }), refused)
  assert.equal(decided({ ...quiet, commits }, { kind: 'lsn', lsn: lsnOf(12) }), {
    lsn: lsnOf(12),
    committedAt: 110,
    lastSequence: 10,
  })
})

test('a transaction in several parts counts once it has ended', () => {
  const commits = [commit(11, 110, false), commit(11, 110, false), commit(11, 110), commit(12, 150)]
  assert.equal(decided({ ...quiet, commits }, { kind: 'time', at: 120 }), {
    lsn: lsnOf(12),
    committedAt: 110,
    lastSequence: 12,
  })
})

test('a log without transactions has no times, and its consistency point', () => {
  assert.match(refusal({ ...quiet, commits: [] }, { kind: 'time', at: 120 }), /no transaction behind its snapshot/)
  assert.equal(decided({ ...quiet, commits: [] }, { kind: 'lsn', lsn: lsnOf(10) }), {
    lsn: lsnOf(10),
    committedAt: null,
    lastSequence: 5,
  })
})

test('a refusal names both the point and what it is measured by', () => {
  const history = { ...quiet, commits: [commit(11, 110)] }
  assert.match(
    refusal(history, { kind: 'lsn', lsn: lsnOf(9) }),
    /as of the position 0\/9: .* consistency point 0\/A on/,
  )
  assert.match(
    refusal(history, { kind: 'time', at: 99 }),
    /as of the time 1970-01-01T00:00:00.000099Z: .* closed at 1970-01-01T00:00:00.000100Z/,
  )
  assert.match(refusal(history, { kind: 'lsn', lsn: lsnOf(12) }), /reach the position 0\/C: it ends at 0\/B;/)
  assert.match(
    refusal(history, { kind: 'time', at: 111 }),
    /reach the time .*000111Z: the last transaction in it was committed at .*000110Z/,
  )
})

test.run()
