/** One thing that a check found, in words for an operator. */
export interface Finding {
  /** The check's name, stable across releases, for example `wal-level`. */
  readonly check: string
  /** An error keeps `prepare` from doing anything; a warning does not. */
  readonly severity: 'error' | 'warning' | 'information'
  /** Where it was found: `the monolith`, `service iam`, `NATS`. */
  readonly subject: string
  /** One sentence that names the thing. */
  readonly problem: string
  /** What to do about it. */
  readonly cure: string
  /** Lines for a file, as they must stand there. */
  readonly lines?: readonly string[]
}

export const MONOLITH = 'the monolith'
export const NATS = 'NATS'

export function serviceSubject(service: { readonly name: string }): string {
  return `service ${service.name}`
}

export function errorFinding(check: string, subject: string, problem: string, cure: string): Finding {
  return { check, severity: 'error', subject, problem, cure }
}

/** What is said although nothing is wrong: the operator may have to weigh it. */
export function informationFinding(check: string, subject: string, problem: string, cure: string): Finding {
  return { check, severity: 'information', subject, problem, cure }
}

export function warningFinding(check: string, subject: string, problem: string, cure: string): Finding {
  return { check, severity: 'warning', subject, problem, cure }
}
