import type { Service } from '../contracts/language/contract-set.ts'
import { type Lsn, lsnText } from '../contracts/positions.ts'
import { type EntityTotals, WIRE_VERSION } from '../contracts/wire/message.ts'
import { crashPoint } from '../infra/crash-point.ts'
import { assertWholeEpoch } from './assert-whole-epoch.ts'
import { appendControl, type OpenEpoch } from './begin-epoch.ts'
import type { PublishedService } from './events.ts'
import type { Reading } from './plan-readings.ts'
import type { Run } from './run.ts'
import { entityTotals, flushAll } from './write-snapshot.ts'

export interface SnapshotClosing {
  readonly run: Run
  readonly opened: OpenEpoch
  /** All of them finished. */
  readonly readings: readonly Reading[]
}

/**
 * Closes the epoch's snapshot in each stream. The manifests go out when every page and every total of all services is
 * stored, so that a manifest never closes a snapshot that another service does not have.
 */
export async function closeSnapshot(closing: SnapshotClosing): Promise<PublishedService[]> {
  const { opened, readings, run } = closing
  await assertWholeLogs(closing)
  const last = lastReading(readings)
  const closedAt = new Date().toISOString()
  for (const service of run.dependencies.set.services) {
    const append = appendControl(opened.writers, run.dependencies.prefix, service.name)
    const base = { v: WIRE_VERSION, kind: 'control', epoch: opened.epoch, control: 'manifest' } as const
    const { snapshot } = last
    const consistencyPoint = lsnText(last.consistencyPoint)
    await append({ ...base, entities: totalsOf(service, readings), consistencyPoint, snapshot, closedAt }, () =>
      crashPoint('publish-manifest-stored'),
    )
    run.report({ type: 'manifest-closed', service: service.name })
  }
  await flushAll(closing)
  crashPoint('publish-closed')
  return run.dependencies.set.services.map((service) => ({
    service: service.name,
    entities: totalsOf(service, readings).map(({ entity, rows, pages, bytes }) => ({ entity, rows, pages, bytes })),
  }))
}

/** From the point of the last snapshot on, all readings and the changes after them are exact together. */
export function lastReading<Of extends { readonly consistencyPoint: Lsn }>(readings: readonly Of[]): Of {
  const [last] = readings.toSorted((left, right) => (left.consistencyPoint < right.consistencyPoint ? 1 : -1))
  if (last === undefined) throw new Error('A contract set has at least one entity')
  return last
}

function totalsOf(service: Service, readings: readonly Reading[]): EntityTotals[] {
  return readings.filter((reading) => reading.service === service).map(entityTotals)
}

/** A manifest must not close what the log does not hold any more. */
async function assertWholeLogs({ run, opened }: SnapshotClosing): Promise<void> {
  for (const { name, from } of opened.streams.values())
    await run.waitOut(async (manager) => await assertWholeEpoch(manager, name, from))
}
