import { isKnown, type LagReport } from '../lag-report.ts'
import type { LagLook } from '../lag-watch.ts'
import { watchedServices } from './mark-unwatched.ts'

/** A look that is so old tells nothing of the present. */
const OLD_MS = 30_000

/**
 * What keeps the page from telling all that is configured; null where nothing does. Anybody may read it, so that it has names of services and no
 * more.
 */
export function unreadiness(look: LagLook | null, nowMs: number): string | null {
  if (look === null) return 'Not ready: no look at the split has come to its end yet.'
  const { atMs, report } = look
  if (nowMs - atMs > OLD_MS) return `Not ready: the last look is ${Math.round((nowMs - atMs) / 1_000)} s old.`
  const unknown = watchedServices(report)
    .filter((lag) => !isKnown(lag))
    .map(({ service }) => service)
  const away = [
    ...(report.monolith === null && report.isMonolithUnwatched !== true ? ['the monolith'] : []),
    ...(isBrokerReachable(report) === false ? ['NATS'] : []),
    ...(unknown.length === 0 ? [] : [`${unknown.length === 1 ? 'service' : 'services'} ${unknown.join(', ')}`]),
  ]
  return away.length === 0 ? null : `Not ready: nothing can be told of ${away.join(', nor of ')}.`
}

/** A service that is known was read with the broker; a problem of one that is not tells it. Null where nothing tells it. */
export function isBrokerReachable({ problems, services }: LagReport): boolean | null {
  if (services.some(isKnown)) return true
  return problems.some(({ isOfBroker }) => isOfBroker === true) ? false : null
}
