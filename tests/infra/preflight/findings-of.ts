import type { Deployment } from '../../../infra/preflight/deployment.ts'
import type { Finding } from '../../../infra/preflight/finding.ts'
import { runPreflight } from '../../../infra/preflight/run-preflight.ts'

/** What preflight finds, one line each: `error wal-level, the monolith: …`, with problem and cure. */
export async function findingsOf(deployment: Deployment, withSlot = true): Promise<string[]> {
  return (await runPreflight(deployment, { withSlot })).map(lineOf)
}

export function lineOf({ severity, check, subject, problem, cure }: Finding): string {
  return `${severity} ${check}, ${subject}: ${problem} ${cure}`
}
