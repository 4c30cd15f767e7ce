import { Failure } from '../../contracts/failure.ts'
import type { Finding } from '../preflight/finding.ts'

/** The refusal of a verb that preflight keeps from beginning: every error, each with its cure, in one message. */
export function refusal(verb: string, findings: readonly Finding[]): Failure {
  const errors = findings.filter(({ severity }) => severity === 'error')
  const count = errors.length === 1 ? 'one thing is' : `${errors.length} things are`
  const lines = errors.map(({ subject, problem, cure }) => `- ${subject}: ${problem} ${cure}`)
  return new Failure(4, `${verb} was refused and changed nothing, since ${count} not as needed:\n${lines.join('\n')}`)
}
