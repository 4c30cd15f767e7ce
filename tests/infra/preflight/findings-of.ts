import type { Deployment } from '../../../infra/preflight/deployment.ts'
import type { Finding } from '../../../infra/preflight/finding.ts'
import { runPreflight } from '../../../infra/preflight/run-preflight.ts'

/** What preflight finds wrong, one line each: `error wal-level, the monolith: …`, with problem and cure. */
export async function findingsOf(deployment: Deployment, withSlot = true): Promise<string[]> {
  return (await allFindingsOf(deployment, withSlot)).filter((line) => !line.startsWith('information '))
}

/** The same with what is said although nothing is wrong. Transactions of other tests, in databases of theirs, are left out. */
export async function allFindingsOf(deployment: Deployment, withSlot = true): Promise<string[]> {
  const own = [deployment.monolith, ...deployment.services.map(({ database }) => database)].map(({ url }) =>
    new URL(url).pathname.slice(1),
  )
  return (await runPreflight(deployment, { withSlot }))
    .map(lineOf)
    .filter(
      (line) => !/ (long|prepared)-transaction, /.test(line) || own.some((name) => line.includes(`database ${name} `)),
    )
}

export function lineOf({ severity, check, subject, problem, cure }: Finding): string {
  return `${severity} ${check}, ${subject}: ${problem} ${cure}`
}
