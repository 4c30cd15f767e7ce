import type { JetStreamManager, StoredMsg } from 'nats'
import { Failure } from '../../contracts/failure.ts'
import { apiCode, NO_MESSAGE, NO_STREAM } from '../nats/api-code.ts'

/**
 * The last message of a subject, from the stream's leader; null where there is none.
 * @throws Failure 4 where there is no such stream.
 */
export async function lastMessage(
  manager: JetStreamManager,
  stream: string,
  subject: string,
): Promise<StoredMsg | null> {
  try {
    return await manager.streams.getMessage(stream, { last_by_subj: subject })
  } catch (error) {
    if (apiCode(error) === NO_STREAM)
      throw new Failure(4, `There is no stream ${stream}: run prepare first.`, { cause: error })
    if (apiCode(error) === NO_MESSAGE) return null
    throw error
  }
}
