import { brokerFailure, connectNats } from '../nats/connect.ts'
import { readMonitor } from '../nats/monitor.ts'
import { CHECKS } from './checks.ts'
import { type Keep, observeDatabase, type Observed, unseenFinding } from './connect.ts'
import type { LogState, PreflightContext } from './context.ts'
import type { Deployment } from './deployment.ts'
import { estimate, type Estimate } from './estimate.ts'
import { errorFinding, type Finding, MONOLITH, NATS, serviceSubject } from './finding.ts'
import { isAway, jetStreamRefusal, observeLog } from './observe-log.ts'
import { observeMonolith } from './observe-monolith.ts'
import { observeService } from './observe-service.ts'

export interface PreflightOptions {
  /** Whether a slot will follow the monolith. */
  readonly withSlot: boolean
}

/** Everything that was found, and what the split would take where the monolith could be looked at. */
export interface PreflightReport {
  readonly findings: readonly Finding[]
  readonly estimate: Estimate | null
}

/** The findings alone. */
export async function runPreflight(deployment: Deployment, options: PreflightOptions): Promise<readonly Finding[]> {
  return (await reportPreflight(deployment, options)).findings
}

/**
 * Looks at the monolith, every service's database and NATS, changes nothing, and says everything that is wrong at once.
 * A server that cannot be reached is a finding like any other, and leaves out its own checks alone.
 */
export async function reportPreflight(
  deployment: Deployment,
  { withSlot }: PreflightOptions,
): Promise<PreflightReport> {
  const closers: (() => Promise<void>)[] = []
  const keep: Keep = (close) => closers.push(close)
  try {
    const { context, findings } = await observeAll(deployment, withSlot, keep)
    for (const check of CHECKS) findings.push(...(await check(context)))
    return { findings: distinct(findings), estimate: estimate(context) }
  } finally {
    await Promise.allSettled(closers.map((close) => close()))
  }
}

/** Whether `prepare` may begin. */
export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity === 'error')
}

async function observeAll(
  deployment: Deployment,
  withSlot: boolean,
  keep: Keep,
): Promise<{ readonly context: PreflightContext; readonly findings: Finding[] }> {
  const monitorUrl = deployment.natsMonitorUrl ?? null
  const [monolith, log, services, monitored] = await Promise.all([
    observeDatabase(MONOLITH, deployment.monolith, keep, (session, server) =>
      observeMonolith(session, server, deployment),
    ),
    observeNats(deployment, keep),
    Promise.all(
      deployment.services.map((service) =>
        observeDatabase(serviceSubject(service.service), service.database, keep, (session, server) =>
          observeService(session, server, service),
        ),
      ),
    ),
    monitorUrl === null ? null : readMonitor(monitorUrl),
  ])
  const context = {
    deployment,
    withSlot,
    monolith: stateOf(monolith),
    services: services.flatMap((service) => stateOf(service) ?? []),
    log: stateOf(log),
    monitored,
  }
  return { context, findings: [monolith, ...services, log].flatMap(findingsOf) }
}

async function observeNats(deployment: Deployment, keep: Keep): Promise<Observed<LogState>> {
  try {
    const connection = await connectNats(deployment.nats, 'preflight')
    keep(async () => await connection.close())
    return { outcome: 'seen', state: await observeLog(connection, deployment) }
  } catch (error) {
    if (isAway(error)) return unseen(brokerFailure(deployment.nats, error, 'run preflight again'))
    const refusal = jetStreamRefusal(error)
    if (refusal === null) return unseen(error)
    const cure = 'Enable JetStream for the account, and let its user use the JetStream API ($JS.API.>).'
    return { outcome: 'unseen', findings: [errorFinding('connection', NATS, refusal, cure)] }
  }
}

function unseen(error: unknown): Observed<LogState> {
  return { outcome: 'unseen', findings: [unseenFinding(NATS, error)] }
}

function stateOf<State>(observed: Observed<State>): State | null {
  return observed.outcome === 'seen' ? observed.state : null
}

function findingsOf(observed: Observed<unknown>): readonly Finding[] {
  return observed.outcome === 'unseen' ? observed.findings : []
}

/** An enum that several tables use is said once. */
function distinct(findings: readonly Finding[]): Finding[] {
  const seen = new Map(findings.map((finding) => [JSON.stringify([finding.subject, finding.problem]), finding]))
  return [...seen.values()]
}
