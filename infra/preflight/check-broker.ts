import { syncInterval } from '../nats/monitor.ts'
import { neededLogBytes } from './check-log.ts'
import type { PreflightContext } from './context.ts'
import { errorFinding, type Finding, informationFinding, NATS, warningFinding } from './finding.ts'

export function monitorAnswers({ monitored, deployment: { natsMonitorUrl } }: PreflightContext): Finding[] {
  if (monitored?.outcome !== 'unseen') return []
  const place = natsMonitorUrl === undefined || natsMonitorUrl === null ? '' : new URL(natsMonitorUrl).host
  return [
    errorFinding(
      'monitor',
      NATS,
      `The monitoring port ${place} (NATS_MONITOR_URL) ${monitored.problem}.`,
      'Correct the URL, open the port in the configuration of the server (http: 8222), or remove the setting.',
    ),
  ]
}

/** What the broker has acknowledged, and not synced, is gone with its power: the slot must not confirm it before. */
export function syncIsKnown(context: PreflightContext): Finding[] {
  const { deployment, monitored, withSlot, log } = context
  if (!withSlot || log === null) return []
  const { ms, source } = syncInterval(monitored, deployment.natsSyncIntervalMs ?? null)
  if (ms === 0) return []
  const seconds = `${ms / 1000} s`
  const says = {
    monitor: `The broker syncs its disk every ${seconds} (sync_interval, by its monitoring port)`,
    configuration: `The broker syncs its disk every ${seconds} (NATS_SYNC_INTERVAL)`,
    assumed: `Nothing says how often the broker syncs its disk: its default of ${seconds} is assumed`,
  }[source]
  const told = source === 'assumed' ? ', or give NATS_MONITOR_URL or NATS_SYNC_INTERVAL if it is less' : ''
  return [
    informationFinding(
      'sync-interval',
      NATS,
      `${says}: what it acknowledged within that time would be lost with its power.`,
      `Set sync_interval: always in its jetstream block${told}.`,
    ),
  ]
}

/** The server's own bound is hidden from its clients: an account without a limit of its own shows none. */
export function serverHasRoom(context: PreflightContext): Finding[] {
  const { monitored, log, deployment } = context
  if (monitored?.outcome !== 'seen' || log === null || log.streams.size === deployment.services.length) return []
  const { maxStorageBytes, storageBytes } = monitored.facts
  const [room, needed] = [maxStorageBytes - storageBytes, neededLogBytes(context)]
  if (room > needed) return []
  return [
    warningFinding(
      'server-storage',
      NATS,
      `The server has room for ${Math.max(0, room)} bytes (max_file_store), and the monolith's tables take about ${needed}.`,
      'Raise max_file_store in its jetstream block, if its disk has the room.',
    ),
  ]
}
