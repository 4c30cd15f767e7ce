import { inTransaction } from '../postgres/session.ts'
import { atMost } from './at-most.ts'
import { checkLoaded } from './check-loaded.ts'
import { logNote } from './compare-rows.ts'
import { copyTextOfLog } from './log-rows.ts'
import { withStoppableSession } from './stoppable-session.ts'
import { type ServiceVerification, verifyService } from './verify-service.ts'
import { type Verified, type Verifying, wantedOf, type WantedService } from './verifying.ts'

/** Each service reads one table at a time, so this is what a server that holds several of them has to bear. */
export const SERVICES_AT_ONCE = 2

/** Compares the services with the snapshot in the log. */
export async function verifySnapshot(verifying: Verifying): Promise<Verified> {
  const reports = await atMost(
    SERVICES_AT_ONCE,
    verifying.wanted,
    async (each) => await verifyService(snapshotVerification(verifying, each)),
  )
  return { reports, point: null }
}

/** Against the manifest, and where a table differs against the pages. */
function snapshotVerification(
  verifying: Verifying,
  { database, service, snapshot }: WantedService,
): ServiceVerification {
  const { connection, limit, prefix, report, signal } = verifying
  const { entities } = snapshot.manifest
  return {
    service,
    database,
    limit,
    signal,
    report,
    expectedRows: entities.reduce((sum, { rows }) => sum + rows, 0),
    view: async (action) =>
      await withStoppableSession(
        database,
        `verify ${service.name}`,
        signal,
        async (client) =>
          await inTransaction(client, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', async () => {
            await checkLoaded(client, wantedOf(verifying, service.name, snapshot))
            return await action(client)
          }),
      ),
    expected: async (entity) => {
      const totals = entities.find((candidate) => candidate.entity === entity.name)
      if (totals === undefined) throw new Error(`The manifest without ${entity.name} was let pass`)
      const { digest, pages: ofPages, rows } = totals
      const pageRead = (pages: number): void =>
        report({ type: 'log-rows-read', service: service.name, entity: entity.name, pages, ofPages })
      const log = { connection, prefix, service: service.name, entity, snapshot, totals, signal, pageRead }
      return {
        totals: { rows, digest },
        copyText: () => copyTextOfLog(log),
        noteOf: (inLog) => logNote(entity, totals, inLog),
      }
    },
  }
}
