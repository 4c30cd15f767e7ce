import pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import { crashPoint } from '../../infra/crash-point.ts'
import { advanceSequences } from '../advance-sequences.ts'
import { dropReplaced, dropShadow } from './drop-schemas.ts'
import { dropReplayState, readReplay } from './replay-state.ts'
import type { ReplaySchemas } from './shadow-schema.ts'

const FOREIGN_KEY_VIOLATION = '23503'

/** What a run that died had made again already. */
const DUPLICATE_OBJECT = '42710'

/**
 * Ends a replay whose tables are in place: foreign keys that other tables share with them are made valid, sequences are
 * advanced, and what was replaced is removed. It may be run again after a crash.
 * @throws Failure 3 that names the foreign keys which the new rows do not meet, when all else is done.
 */
export async function cleanUp(client: pg.Client, service: Service, schemas: readonly ReplaySchemas[]): Promise<void> {
  const { validations = [] } = (await readReplay(client)) ?? {}
  const unmet: string[] = []
  for (const validation of validations) {
    const refusal = await makeValid(client, validation)
    if (refusal !== null) unmet.push(refusal)
  }
  crashPoint('replay-validated')
  for (const entity of service.entities) await advanceSequences(client, entity)
  await dropReplaced(client, schemas)
  await dropShadow(client, schemas)
  crashPoint('replay-replaced-dropped')
  await dropReplayState(client)
  if (unmet.length > 0)
    throw new Failure(
      3,
      `The rows of service ${service.name}, as the log has them, do not meet foreign keys of other tables: ${unmet.join('; ')}. One that was there holds for new rows (NOT VALID): put the rows right, then run ALTER TABLE … VALIDATE CONSTRAINT, or add the foreign key again.`,
    )
}

/** @returns why the rows do not meet it; null where they do. */
async function makeValid(client: pg.Client, statement: string): Promise<string | null> {
  try {
    await client.query(statement)
    return null
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error
    if (error.code === DUPLICATE_OBJECT) return null
    if (error.code === FOREIGN_KEY_VIOLATION) return error.message
    throw error
  }
}
