import { type JetStreamManager, NatsError, type StoredMsg } from 'nats'
import { Failure } from '../../contracts/failure.ts'

const NO_MESSAGE = '404'
const NO_STREAM = 10059

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
    if (!(error instanceof NatsError)) throw error
    if (error.api_error?.err_code === NO_STREAM)
      throw new Failure(4, `There is no stream ${stream}: run prepare first.`, { cause: error })
    if (error.code === NO_MESSAGE) return null
    throw error
  }
}
