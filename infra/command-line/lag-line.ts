import { isKnown, type LagReport } from '../../consumers/lag/lag-report.ts'
import type { ConsumerStatus } from '../../consumers/lag/judge-consumer.ts'
import type { ServiceLag } from '../../consumers/lag/service-lag.ts'
import { ageText } from './lag-text.ts'
import { counted, countText } from './quantities.ts'

/** The worse, the further behind. */
const BY_GRAVITY: readonly (ConsumerStatus | 'unknown')[] = ['ok', 'parked', 'warning', 'stall', 'stop', 'unknown']

/** A look as one line, for whoever follows it: who is worst off, and how far behind all are together. */
export function lagLine({ services }: Pick<LagReport, 'services'>, at: Date): string {
  const known = services.filter(isKnown)
  const parts = [
    at.toISOString().slice(0, 19).replace('T', ' '),
    statusText(services),
    ...oldestText('to log', known, ({ hops }) => hops.toLog),
    ...oldestText('applied', known, ({ hops }) => hops.toDatabase),
    `${counted(
      sum(known, ({ messages }) => messages),
      'message',
    )} behind`,
    `${countText(sum(known, ({ messagesPerSecond }) => messagesPerSecond))}/s`,
  ]
  return parts.join('  ')
}

/** `ok` where all are; else each that is not, the gravest first. */
function statusText(services: LagReport['services']): string {
  const unwell = unwellServices(services)
  return unwell.length === 0 ? 'ok' : unwell.map(({ service, status }) => `${service} ${status}`).join(', ')
}

/** Those that are not `ok`, the gravest first. */
export function unwellServices(services: LagReport['services']): LagReport['services'] {
  return services.toSorted((one, other) => gravityOf(other) - gravityOf(one)).filter(({ status }) => status !== 'ok')
}

function gravityOf({ status }: LagReport['services'][number]): number {
  return BY_GRAVITY.indexOf(status)
}

type HopOf = (lag: ServiceLag) => ServiceLag['hops']['toLog']

function oldestText(hop: string, services: readonly ServiceLag[], of: HopOf): string[] {
  const [oldest] = services.toSorted((one, other) => of(other).seconds - of(one).seconds)
  const text = oldest === undefined ? '' : ageText(of(oldest))
  return text === '' ? [] : [`${hop} ${text}${hop === 'applied' ? ` (${oldest?.service})` : ''}`]
}

function sum(services: readonly ServiceLag[], of: (lag: ServiceLag) => number): number {
  return services.reduce((total, lag) => total + of(lag), 0)
}
