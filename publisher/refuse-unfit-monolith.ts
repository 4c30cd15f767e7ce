import type pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import { readServer } from '../infra/catalog/read-server.ts'
import {
  monolithMatchesContract,
  rowsAreVisible,
  tablesAreClaimed,
  tablesAreOrdinary,
} from '../infra/preflight/check-monolith-tables.ts'
import type { Check, PreflightContext } from '../infra/preflight/context.ts'
import { observeMonolith } from '../infra/preflight/observe-monolith.ts'
import type { PublisherDependencies } from './publish-snapshot.ts'

/** What must hold at the moment of reading: `prepare` may have looked long ago, and migrations go on. */
const CHECKS: readonly Check[] = [tablesAreClaimed, monolithMatchesContract, tablesAreOrdinary, rowsAreVisible]

/**
 * Compares the monolith with the contract set once more, just before it is read.
 * @throws Failure 4 with everything that does not fit.
 */
export async function refuseUnfitMonolith(
  client: pg.Client,
  { set, prefix, monolith, nats }: PublisherDependencies,
  withSlot: boolean,
): Promise<void> {
  const deployment = { set, prefix, monolith, nats, services: [], replicas: 1 }
  const observed = await observeMonolith(client, await readServer(client), deployment)
  const context: PreflightContext = { deployment, withSlot, monolith: observed, services: [], log: null }
  const findings = (await Promise.all(CHECKS.map(async (check) => await check(context)))).flat()
  const errors = findings.filter(({ severity }) => severity === 'error')
  if (errors.length > 0)
    throw new Failure(
      4,
      `The monolith cannot be published: ${errors.map(({ problem, cure }) => `${problem} ${cure}`).join(' ')}`,
    )
}
