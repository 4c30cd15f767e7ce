import type { Client } from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import type { ContractCrossReference, Entity, Service } from '../../contracts/language/contract-set.ts'
import type { PostgresTarget } from '../postgres/session.ts'
import { sessionFailure } from '../postgres/session-failure.ts'
import { atMost } from './at-most.ts'
import { countWithoutTarget, type ReferenceCounts, type Referring } from './merge-references.ts'
import { referringSql, targetsSql } from './reference-sql.ts'
import type { ReferenceReport } from './report.ts'
import { WAY_OUT, withStoppableSession } from './stoppable-session.ts'

/** A service and where it lives. */
export interface ServiceDatabase {
  readonly service: Service
  readonly database: PostgresTarget
}

/** A reference across services whose both sides can be read. */
interface CrossReference {
  readonly from: ServiceDatabase & { readonly entity: Entity }
  readonly to: ServiceDatabase & { readonly entity: Entity }
  readonly reference: ContractCrossReference
}

/** Each reference reads two databases at once. */
const REFERENCES_AT_ONCE = 2

/**
 * Counts, for each reference across the given services, the rows that name a target which is not there. Each side is one
 * statement with its own snapshot: what applications write meanwhile may show in one and not in the other, which is why
 * the counts inform and prove nothing.
 * @param isReadable whether a table was found as the contract has it; a reference from or to another is left out.
 */
export async function countReferences(
  services: readonly ServiceDatabase[],
  isReadable: (service: string, entity: string) => boolean,
  signal: AbortSignal | undefined,
  counted: (done: number, of: number) => void,
): Promise<ReferenceReport[]> {
  const references = crossReferencesWithin(services).filter(({ from, to }) =>
    [from, to].every(({ service, entity }) => isReadable(service.name, entity.name)),
  )
  let done = 0
  return await atMost(REFERENCES_AT_ONCE, references, async (reference) => {
    const counts = await countReference(reference, signal)
    counted(++done, references.length)
    return referenceReport(reference, counts)
  })
}

/** The references whose both services are among the given ones, in the contracts' order. */
export function crossReferencesWithin(services: readonly ServiceDatabase[]): CrossReference[] {
  return services.flatMap((from) =>
    from.service.entities.flatMap((entity) =>
      entity.crossReferences.flatMap((reference) => {
        const to = services.find(({ service }) => service.name === reference.toService)
        const target = to?.service.entities.find(({ name }) => name === reference.toEntity)
        if (to === undefined || target === undefined) return []
        return [{ from: { ...from, entity }, to: { ...to, entity: target }, reference }]
      }),
    ),
  )
}

function referenceReport({ from, to, reference }: CrossReference, counts: ReferenceCounts): ReferenceReport {
  const side = (end: CrossReference['from'], columns: readonly string[]): ReferenceReport['from'] => ({
    service: end.service.name,
    entity: end.entity.name,
    columns,
  })
  return { from: side(from, reference.on), to: side(to, reference.toColumns), when: reference.when, ...counts }
}

async function countReference(
  { from, to, reference }: CrossReference,
  signal: AbortSignal | undefined,
): Promise<ReferenceCounts> {
  const purpose = 'verify references'
  return await withStoppableSession(
    from.database,
    purpose,
    signal,
    async (referring) =>
      await withStoppableSession(to.database, purpose, signal, async (referred) => {
        const keys = linesOf(referring, from.database, referringSql(from.entity, reference))
        const targets = linesOf(referred, to.database, targetsSql(to.entity, reference.toColumns))
        return await countWithoutTarget(countedKeys(keys), targets)
      }),
  )
}

async function* countedKeys(batches: AsyncIterable<readonly string[]>): AsyncGenerator<readonly Referring[]> {
  for await (const lines of batches)
    yield lines.map((line) => {
      const tab = line.indexOf('\t')
      return { key: line.slice(0, tab), rows: Number(line.slice(tab + 1)) }
    })
}

/** The lines that a COPY writes, as many at a time as arrive together. They hold no escapes; see `referenceKeySql`. */
async function* linesOf(client: Client, target: PostgresTarget, copy: string): AsyncGenerator<readonly string[]> {
  const stream = client.query(copyTo(copy))
  // Where the reader breaks off, the end of the session is an error of this stream that nobody waits for.
  stream.on('error', () => undefined)
  let rest = ''
  try {
    for await (const bytes of stream as AsyncIterable<Buffer>) {
      const lines = (rest + bytes.toString('latin1')).split('\n')
      rest = lines.pop() ?? ''
      yield lines
    }
  } catch (error) {
    throw sessionFailure(target, error, WAY_OUT)
  }
}
