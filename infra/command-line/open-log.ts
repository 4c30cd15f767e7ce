import { readGivenValues, urlsOf } from '../configuration/given-values.ts'
import { logFormOf } from '../configuration/log-form.ts'
import { requestOf } from './configuration-request.ts'
import { type Log, wantsJson } from './log.ts'
import type { World } from './terminal.ts'

/** @returns a log of JSON, where it is wanted; null where sentences are. */
export async function openJsonLogIfWanted(world: World): Promise<Log | null> {
  const { arguments: given, stderr } = world
  const { values } = await readGivenValues(requestOf(world))
  const form = logFormOf(values.get('SCISSION_LOG')?.value)
  if (!wantsJson({ form, arguments: given, isTerminal: stderr.isTTY === true })) return null
  // Sentences do without the library, and begin sooner.
  const { openJsonLog } = await import('./json-log.ts')
  return openJsonLog({
    verb: given[0] ?? 'help',
    urls: urlsOf(values),
    // By the stream that all else goes by: in order, at once where it is a pipe or a file, and whether or not somebody reads.
    write: (line) => void stderr.write(line),
  })
}
