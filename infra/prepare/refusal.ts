import { Failure } from '../../contracts/failure.ts'
import type { Finding } from '../preflight/finding.ts'

/** The refusal of a verb that preflight keeps from beginning: every error, each with its cure, in one message. */
export function refusal(verb: string, findings: readonly Finding[]): Failure {
  const errors = findings.filter(({ severity }) => severity === 'error')
  const count = errors.length === 1 ? 'one thing is' : `${errors.length} things are`
  const lines = errors.map((finding) =>
    [`- ${place(finding)}${finding.problem} ${finding.cure}`, ...(finding.lines ?? [])].join('\n  '),
  )
  return new Failure(4, `${verb} was refused and changed nothing, since ${count} not as needed:\n${lines.join('\n')}`)
}

/** Where it was found, unless the problem begins with it: "NATS: NATS at … does not answer" would say it twice. */
function place({ subject, problem }: Finding): string {
  return problem.toLowerCase().startsWith(subject.toLowerCase()) ? '' : `${subject}: `
}
