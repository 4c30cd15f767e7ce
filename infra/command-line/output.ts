import { closeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { Log } from './log.ts'
import { withoutControls } from './terminal-line.ts'
import type { World } from './terminal.ts'

/** Bars that are on the screen: lines go above them, and they must be taken down before the process ends. */
export interface Bars {
  log(line: string): void
  stop(): void
}

export interface Output {
  /** Data, on standard output. */
  data(text: string): void
  /** Whether standard error has a line of JSON for each event, and nothing can be drawn there. */
  readonly isLogged: boolean
  /** A line of progress, on standard error. */
  note(line: string): void
  /** Hands the lines of progress to bars, until they are taken down. */
  raise(bars: Bars): void
  readonly lower: () => void
}

/**
 * Where output goes. A reader that goes away (`scission verify | head`), a terminal that is closed (EIO), a file's full
 * disk (ENOSPC): none of them changes anything of what is done, nor of the exit code. What cannot be written is dropped.
 * What is read by a person holds no control characters: names and values of others' databases may.
 * @param jsonLog where lines go in place of standard error; null where they are written as they are.
 */
export function openOutput({ stdout, stderr }: Pick<World, 'stdout' | 'stderr'>, jsonLog: Log | null = null): Output {
  let bars: Bars | null = null
  for (const stream of [stdout, stderr]) stream.on('error', () => undefined)
  return {
    // A program gets what is there, byte for byte.
    data: (text) => void stdout.write(`${stdout.isTTY === true ? withoutControls(text) : text}\n`),
    isLogged: jsonLog !== null,
    note: (line) => {
      if (jsonLog !== null) noteIn(jsonLog, line)
      else if (bars === null) stderr.write(`${withoutControls(line)}\n`)
      else bars.log(withoutControls(line))
    },
    raise: (raised) => {
      bars = raised
    },
    lower: () => {
      const raised = bars
      bars = null
      raised?.stop()
    },
  }
}

/** What has no fields is an event all the same: a reader of JSON reads nothing else. */
function noteIn(log: Log, line: string): void {
  const sentence = line.trim().replace(/^scission: /, '')
  if (sentence !== '') log.info({ event: 'note' }, sentence)
}

/**
 * When it ends Node puts terminals back as they were, and aborts where one is gone (exit code 134, and a core): what is
 * closed it leaves alone.
 */
export function closeGoneTerminals({ stdin, stdout, stderr }: Pick<World, 'stdin' | 'stdout' | 'stderr'>): void {
  for (const [descriptor, { isTTY }] of [stdin, stdout, stderr].entries())
    if (isTTY === true && !isatty(descriptor)) closeSync(descriptor)
}

/** Waits until a stream has handed on what was written, which a process that exits would cut off. */
export async function flushed(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.destroyed) return
  await new Promise<void>((resolve) => stream.write('', () => resolve()))
}
