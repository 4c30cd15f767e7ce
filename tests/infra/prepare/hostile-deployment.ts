import type { Deployment } from '../../../infra/preflight/deployment.ts'
import hostile from '../../hostile/contract-set.ts'
import { createHostileMonolith } from '../../hostile/monolith.ts'
import { withDatabases, withPrefix } from '../../with-servers.ts'

/** The hostile monolith, an empty database for each of its services, and a prefix of its own. */
export async function withHostile(use: (deployment: Deployment) => Promise<void>): Promise<void> {
  const names = ['monolith', ...hostile.services.map(({ name }) => name)]
  await withDatabases(names, (urls) =>
    withPrefix(async (prefix, nats) => {
      const urlOf = (name: string): string => urls[name] ?? ''
      await createHostileMonolith(urlOf('monolith'), { rowsPerTable: 1 })
      await use({
        set: hostile,
        prefix,
        replicas: 1,
        nats: { url: nats.url, credentialsFile: null, caFile: null },
        monolith: { title: 'the monolith', variable: 'MONOLITH_DATABASE_URL', url: urlOf('monolith') },
        services: hostile.services.map((each) => ({
          service: each,
          database: { title: `the database of service ${each.name}`, variable: 'X', url: urlOf(each.name) },
        })),
      })
    }),
  )
}
