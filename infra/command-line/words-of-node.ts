import { defectOf } from './defect.ts'
import type { Log } from './log.ts'

/**
 * Tells in lines what Node would write between them in words of its own: its warnings, and what nobody caught, with which
 * the process ends as it would anyway.
 * @param log takes the passwords out.
 */
export function logWordsOfNode(
  source: Pick<NodeJS.Process, 'on' | 'removeAllListeners' | 'listenerCount'>,
  log: Log,
  exit: (code: number) => void,
): void {
  // Node's own listener writes them; where it is not there they are not wanted (`--no-warnings`).
  if (source.listenerCount('warning') > 0) {
    source.removeAllListeners('warning')
    source.on('warning', ({ name, message }) => log.warn({ event: 'notice' }, `Node warns: ${name}: ${message}`))
  }
  source.on('uncaughtException', (error: unknown) => {
    log.error({ event: 'failed', exitCode: 1, err: defectOf(error, []) }, String(error))
    exit(1)
  })
}
