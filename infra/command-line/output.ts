import type { World } from './terminal.ts'

/** Bars that are on the screen: lines go above them, and they must be taken down before the process ends. */
export interface Bars {
  log(line: string): void
  stop(): void
}

export interface Output {
  /** Data, on standard output. */
  data(text: string): void
  /** A line of progress, on standard error. */
  note(line: string): void
  /** Hands the lines of progress to bars, until they are taken down. */
  raise(bars: Bars): void
  readonly lower: () => void
}

/**
 * Where output goes. A reader that goes away (`scission verify | head`) changes nothing of what is done, nor of the exit
 * code: the rest of the text is dropped.
 */
export function openOutput({ stdout, stderr }: Pick<World, 'stdout' | 'stderr'>): Output {
  let bars: Bars | null = null
  for (const stream of [stdout, stderr]) stream.on('error', ignoreGoneReader)
  return {
    data: (text) => void stdout.write(`${text}\n`),
    note: (line) => (bars === null ? void stderr.write(`${line}\n`) : bars.log(line)),
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

function ignoreGoneReader(error: Error): void {
  if ('code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED')) return
  throw error
}

/** Waits until a stream has handed on what was written, which a process that exits would cut off. */
export async function flushed(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.destroyed) return
  await new Promise<void>((resolve) => stream.write('', () => resolve()))
}
