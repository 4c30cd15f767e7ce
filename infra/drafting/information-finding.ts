import type { Finding } from '../preflight/finding.ts'

/** What is worth knowing, and hurts nobody. */
export function informationFinding(check: string, subject: string, problem: string, cure: string): Finding {
  return { check, severity: 'information', subject, problem, cure }
}
