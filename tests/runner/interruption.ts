/** The signals that end a run early, and the exit status for each, as a shell has it. */
const STATUS_OF = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/** A wish to end the run early. `status` is the exit status that goes with it, once `signal` is aborted. */
export type Interruption = { readonly signal: AbortSignal; status(): number | undefined }

/** Listens for Ctrl-C and its like. The first one ends the run in order, a second one ends this process at once. */
export function listenForInterruption(): Interruption {
  const controller = new AbortController()
  let status: number | undefined
  for (const [name, itsStatus] of Object.entries(STATUS_OF)) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(itsStatus)
      status = itsStatus
      controller.abort()
    })
  }
  return { signal: controller.signal, status: () => status }
}
