/** What Ctrl-C and SIGTERM ask for; the exit codes are 128 and the signal's number, as shells have it. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const

/** What cannot be ended in this time hangs on a server that does not answer. */
const END_LIMIT_MS = 30_000

/** npm forwards a terminal's Ctrl-C to a process that has it already: what follows so closely is the same key. */
const SAME_KEY_MS = 250

export interface Interruption {
  readonly signal: AbortSignal
  /** The exit code that an interruption asks for; null while there was none. */
  readonly exitCode: () => 130 | 143 | null
  /** Sets what an interruption would wait for, as in `waiting for …`. */
  readonly busyWith: (what: string) => void
  /** No longer listens, nor waits. */
  readonly close: () => void
}

export interface InterruptionEnds {
  readonly say: (line: string) => void
  /** Ends the process at once. */
  readonly exit: (code: number) => void
}

export interface InterruptionClock {
  readonly endLimitMs?: number
  /** Milliseconds. */
  readonly now?: () => number
}

/**
 * Listens for Ctrl-C and SIGTERM. The first aborts the signal, so that what is under way ends cleanly, within a bound; a
 * second ends the process at once, which loses nothing either: every command can be run again.
 */
export function listenForInterruption(
  source: Pick<NodeJS.Process, 'on' | 'off'>,
  { say, exit }: InterruptionEnds,
  { endLimitMs = END_LIMIT_MS, now = Date.now }: InterruptionClock = {},
): Interruption {
  const controller = new AbortController()
  let what = 'what is under way'
  let code: 130 | 143 | null = null
  let interruptedAtMs = 0
  let timer: NodeJS.Timeout | undefined
  const interrupt = (signal: NodeJS.Signals): void => {
    if (code !== null) return now() - interruptedAtMs < SAME_KEY_MS ? undefined : exit(code)
    interruptedAtMs = now()
    code = signal === 'SIGTERM' ? EXIT_CODES.SIGTERM : EXIT_CODES.SIGINT
    say(`Interrupted: waiting for ${what} to end; once more ends at once.`)
    timer = setTimeout(() => {
      say(`Gave up waiting for ${what} after ${endLimitMs / 1000} s.`)
      exit(code ?? EXIT_CODES.SIGINT)
    }, endLimitMs)
    controller.abort()
  }
  source.on('SIGINT', interrupt)
  source.on('SIGTERM', interrupt)
  return {
    signal: controller.signal,
    exitCode: () => code,
    busyWith: (named) => {
      what = named
    },
    close: () => {
      clearTimeout(timer)
      source.off('SIGINT', interrupt)
      source.off('SIGTERM', interrupt)
    },
  }
}
