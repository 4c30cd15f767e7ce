import type { OpenEpoch } from '../begin-epoch.ts'
import type { Reading } from '../plan-readings.ts'
import type { Run } from '../run.ts'
import type { StreamWatch } from '../stream-watch.ts'
import { follow, snapshotKey } from './follow.ts'
import { watchTables } from './table-watch.ts'

/** Beside the reading, so that the WAL of a long snapshot does not gather in the monolith. Its failure ends the run. */
export async function beginFollowing(
  run: Run,
  opened: OpenEpoch,
  readings: readonly Reading[],
  slot: string | null,
  streams: StreamWatch,
): Promise<{ readonly followedTo: string | null }> {
  const { follow: wish } = run.options
  if (wish === undefined || slot === null) return { followedTo: null }
  const snapshots = new Map(
    readings.map(({ service, entity, snapshot }) => [snapshotKey(service.name, entity.name), snapshot]),
  )
  try {
    return await follow({ run, opened, slot, wish, snapshots, streams })
  } catch (error) {
    run.fail(error)
    throw error
  }
}

/** While it lasts, the tables are looked after too. */
export async function watched<Result>(run: Run, following: Promise<Result>): Promise<Result> {
  if (run.options.follow === undefined) return await following
  const done = new AbortController()
  const watching = watchTables(run, AbortSignal.any([run.signal, done.signal])).catch(run.fail)
  try {
    return await following
  } finally {
    done.abort()
    await watching
  }
}
