import { Failure } from '../../contracts/failure.ts'
import { readServer } from '../../infra/catalog/read-server.ts'
import { withSession } from '../../infra/postgres/session.ts'
import {
  databasesAreOurs,
  serviceTablesMatchContract,
  serviceTypesMatchContract,
  tablesAreEmpty,
} from '../../infra/preflight/check-service-databases.ts'
import { observeService } from '../../infra/preflight/observe-service.ts'
import type { Replaying } from './fill-copy.ts'
import type { LiveService } from './replay-service.ts'

const CHECKS = [databasesAreOurs, tablesAreEmpty, serviceTypesMatchContract, serviceTablesMatchContract]

/**
 * Sees that another database can take a service, as preflight does for the service's own: one that is empty, or that an
 * earlier run has begun with.
 * @throws Failure 4 that lists what is in the way; nothing was changed then.
 */
export async function assertFree(
  { prefix, set, signal }: Replaying,
  { database, service }: LiveService,
): Promise<void> {
  const problems = await withSession(database, { purpose: `replay ${service.name}`, signal }, async (client) => {
    const state = await observeService(client, await readServer(client), { service, database })
    return CHECKS.flatMap((check) => check({ deployment: { set, prefix }, services: [state] }))
  })
  const errors = problems.filter(({ severity }) => severity === 'error')
  if (errors.length === 0) return
  throw new Failure(
    4,
    `${database.title.replace(/^the /, 'The ')} cannot take service ${service.name}, and nothing was changed in it: give an empty one. ${errors.map(({ problem }) => problem).join(' ')}`,
  )
}
